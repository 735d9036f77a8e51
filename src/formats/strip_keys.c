/* What tells an answer with probabilities, or explanations, from other JSON. */
#include "formats/strip.h"

bool strip_is_key(const char *key) {
    static const char *const KEYS[] = {"logprobs",       "prompt_logprobs", "completion_probabilities",
                                       "token_logprobs", "top_logprobs",    "token_likelihoods",
                                       "explanations"};
    for (size_t i = 0; i < BASE_COUNT(KEYS); i++)
        if (!strcmp(key, KEYS[i])) return true;
    return false;
}
