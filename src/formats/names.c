/* What the name of an array says: is it attention, of which layer, of which part of the model. The table of names is in
 * docs (FORMATS); the ideas are three:
 *
 *   - a hook's name (blocks.3.attn.hook_pattern) says everything; other hooks of the same library are not attention;
 *   - the layer is the first number that stands alone or after a word like "layer": in "gpt2.h.7.attn" it is 7, not 2;
 *   - a plain numbered array is attention only where nothing in the file says so more clearly (explicit_name). */
#include "formats/internal.h"

#include <ctype.h>

enum { WORD_SIZE = 32, NAME_MAX_WORDS = 32, MAX_LAYER_NUMBER = 999999 };

typedef struct Word {
    char text[WORD_SIZE]; /* lower case; longer words are cut */
    size_t start;         /* in the name */
} Word;

typedef struct Words {
    Word items[NAME_MAX_WORDS];
    int count;
} Words;

static bool one_of(const char *word, const char *const *list, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!strcmp(word, list[i])) return true;
    return false;
}

static void split_words(const char *name, Words *words) {
    words->count = 0;
    for (size_t i = 0; name[i] && words->count < NAME_MAX_WORDS;) {
        if (!isalnum((unsigned char)name[i])) {
            i++;
            continue;
        }
        Word *word = &words->items[words->count++];
        size_t length = 0;
        word->start = i;
        for (; isalnum((unsigned char)name[i]); i++)
            if (length + 1 < WORD_SIZE) word->text[length++] = (char)tolower((unsigned char)name[i]);
        word->text[length] = '\0';
    }
}

static bool has_word(const Words *words, int from, int to, const char *text) {
    for (int i = from; i < to; i++)
        if (!strcmp(words->items[i].text, text)) return true;
    return false;
}

static int parse_layer(const char *digits) {
    int64_t value = 0;
    for (; isdigit((unsigned char)*digits) && value <= MAX_LAYER_NUMBER; digits++)
        value = value * 10 + (*digits - '0');
    return value <= MAX_LAYER_NUMBER ? (int)value : -1;
}

/* The word that carries the layer's number, and where its digits begin; -1 when there is none. */
static int find_layer(const char *name, const Words *words, int *layer, size_t *digits_at, bool *sure) {
    static const char *const STEMS[] = {"layer",     "layers",     "block", "blocks", "attn", "attns",
                                        "attention", "attentions", "arr",   "l",      "h"};
    int fallback = -1;
    for (int i = 0; i < words->count; i++) {
        const char *text = words->items[i].text;
        size_t stem = strcspn(text, "0123456789"), digits = strspn(text + stem, "0123456789");
        if (digits == 0) continue;
        if (fallback < 0) fallback = i;
        char letters[WORD_SIZE];
        snprintf(letters, sizeof(letters), "%.*s", (int)stem, text);
        if (text[stem + digits] == '\0' && (stem == 0 || one_of(letters, STEMS, BASE_COUNT(STEMS)))) {
            fallback = i;
            *sure = true;
            break;
        }
    }
    if (fallback < 0) return -1;
    *digits_at = words->items[fallback].start + strcspn(words->items[fallback].text, "0123456789");
    *layer = parse_layer(name + *digits_at);
    return *layer < 0 ? -1 : fallback;
}

static SetHint find_hint(const Words *words, int layer_word) {
    int before = layer_word < 0 ? words->count : layer_word, all = words->count;
    if (has_word(words, 0, all, "cross") || has_word(words, 0, all, "crossattention") ||
        has_word(words, 0, all, "encdecattention"))
        return HINT_CROSS;
    bool encoder = has_word(words, 0, before, "encoder"), decoder = has_word(words, 0, before, "decoder");
    if ((encoder && decoder) || has_word(words, before, all, "encoder")) /* decoder.layers.0.encoder_attn */
        return HINT_CROSS;
    return decoder ? HINT_DECODER : encoder ? HINT_ENCODER : HINT_NONE;
}

static Role token_role(const char *name) {
    static const struct {
        const char *leaf;
        Role role;
    } TOKENS[] = {
        {"tokens", ROLE_TOKENS},           {"str_tokens", ROLE_TOKENS},          {"tokens.json", ROLE_TOKENS},
        {"input_ids", ROLE_TOKENS},        {"token_ids", ROLE_TOKENS},           {"q_tokens", ROLE_Q_TOKENS},
        {"decoder_tokens", ROLE_Q_TOKENS}, {"decoder_input_ids", ROLE_Q_TOKENS}, {"k_tokens", ROLE_K_TOKENS},
        {"encoder_tokens", ROLE_K_TOKENS}, {"encoder_input_ids", ROLE_K_TOKENS},
    };
    for (size_t i = 0; i < BASE_COUNT(TOKENS); i++)
        if (text_equal_nocase(name, TOKENS[i].leaf)) return TOKENS[i].role;
    return ROLE_NONE;
}

/* ROLE_NONE: a hook that is not attention. vLLM's hooks see Q and K after the rotation. */
static bool hook_role(const char *leaf, Role *role) {
    static const struct {
        const char *leaf;
        Role role;
    } HOOKS[] = {
        {"hook_pattern", ROLE_PATTERN}, {"hook_attn_scores", ROLE_SCORES}, {"hook_q", ROLE_Q}, {"hook_k", ROLE_K},
        {"hook_rot_q", ROLE_ROT_Q},     {"hook_rot_k", ROLE_ROT_K},        {"lse", ROLE_LSE},  {"hook_v", ROLE_V},
    };
    *role = ROLE_NONE;
    if (strstr(leaf, "__attn__") && (text_ends_with(leaf, "__q") || text_ends_with(leaf, "__k"))) {
        *role = text_ends_with(leaf, "__q") ? ROLE_ROT_Q : ROLE_ROT_K;
        return true;
    }
    for (size_t i = 0; i < BASE_COUNT(HOOKS); i++) {
        if (!strcmp(leaf, HOOKS[i].leaf)) {
            *role = HOOKS[i].role;
            return true;
        }
    }
    return text_starts_with(leaf, "hook_");
}

NameMeaning names_meaning(const char *name) {
    static const char *const ATTENTION[] = {"attn",           "attns",           "attention", "attentions",   "pattern",
                                            "patterns",       "probs",           "scores",    "score",        "logits",
                                            "crossattention", "encdecattention", "weights",   "selfattention"};
    NameMeaning meaning = {.role = token_role(name), .layer = -1};
    Words words;
    if (meaning.role != ROLE_NONE) return meaning;
    split_words(name, &words);
    int layer_word = find_layer(name, &words, &meaning.layer, &meaning.prefix, &meaning.sure);
    meaning.hint = find_hint(&words, layer_word);
    const char *dot = strrchr(name, '.'), *slash = strrchr(name, '/');
    const char *leaf = dot && (!slash || dot > slash) ? dot + 1 : slash ? slash + 1 : name;
    if (hook_role(leaf, &meaning.role)) {
        meaning.explicit_name = true;
        return meaning;
    }
    if (has_word(&words, 0, words.count, "mask") || has_word(&words, 0, words.count, "masks"))
        return meaning; /* attention_mask and the like come with many captures */
    if (!strcmp(leaf, "weight") || !strcmp(leaf, "bias")) {
        meaning.role = ROLE_MODEL_WEIGHT;
        return meaning;
    }
    for (int i = 0; i < words.count; i++) {
        char letters[WORD_SIZE]; /* "attn12" says attention too */
        snprintf(letters, sizeof(letters), "%.*s", (int)strcspn(words.items[i].text, "0123456789"),
                 words.items[i].text);
        meaning.explicit_name |= one_of(letters, ATTENTION, BASE_COUNT(ATTENTION));
    }
    bool scores = has_word(&words, 0, words.count, "scores") || has_word(&words, 0, words.count, "score") ||
                  has_word(&words, 0, words.count, "logits");
    if (meaning.explicit_name || meaning.layer >= 0) meaning.role = scores ? ROLE_SCORES : ROLE_PATTERN;
    return meaning;
}

SetHint names_file_hint(const char *file_name) {
    Words words;
    split_words(file_name, &words);
    if (has_word(&words, 0, words.count, "cross")) return HINT_CROSS;
    bool encoder = has_word(&words, 0, words.count, "encoder"), decoder = has_word(&words, 0, words.count, "decoder");
    return encoder == decoder ? HINT_NONE : encoder ? HINT_ENCODER : HINT_DECODER;
}

int names_file_layer(const char *file_name) {
    for (const char *at = file_name; *at; at++) {
        const char *digits = at + 5;
        if (strlen(at) < 6) return -1;
        char word[6];
        snprintf(word, sizeof(word), "%.5s", at);
        if (!text_equal_nocase(word, "layer")) continue;
        if (*digits == 's') digits++;
        if (*digits == '_' || *digits == '-' || *digits == '.') digits++;
        if (isdigit((unsigned char)*digits)) return parse_layer(digits);
    }
    return -1;
}
