/* Rotary embedding: Q and K hooked before they are rotated give attention that no layer ever had. The names of the
 * arrays do not tell, the name of the model often does. */
#include "capture/internal.h"

#include <ctype.h>
#include <strings.h>

/* Families whose layers rotate Q and K; the part of a model's name that tells. */
static bool rotates(const char *model) {
    static const char *const FAMILIES[] = {"llama",    "mistral",   "mixtral",  "qwen",   "gemma",    "phi",
                                           "pythia",   "neox",      "gpt-j",    "falcon", "stablelm", "olmo",
                                           "deepseek", "command-r", "internlm", "smollm", "stories",  "modernbert"};
    for (size_t i = 0; i < BASE_COUNT(FAMILIES); i++) {
        size_t length = strlen(FAMILIES[i]);
        for (const char *at = model; *at; at++) /* at the start of a word: "dolphin" is not "phi" */
            if ((at == model || !isalnum((unsigned char)at[-1])) && strncasecmp(at, FAMILIES[i], length) == 0)
                return true;
    }
    return false;
}

Status capture_check_rotation(Capture *capture, Error *err) {
    for (int set = 0; set < capture->set_count; set++) {
        if (!capture->data[set].unrotated || !rotates(capture->model)) continue;
        if (!capture_add_note(
                capture, true,
                "hook_q and hook_k without hook_rot_q and hook_rot_k: '%s' looks like a model with rotary "
                "embedding, whose attention is made of the rotated ones",
                capture->model))
            return error_set(err, STATUS_MEMORY, "not enough memory to open the capture");
    }
    return STATUS_OK;
}
