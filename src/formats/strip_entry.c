/* Tokens and alternatives from their keys and values, whichever form they come in. */
#include "formats/strip.h"

/* ---- refusing -------------------------------------------------------------------------------- */

int strip_refuse(StripReader *reader, const char *format, ...) {
    char text[ERROR_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    return json_stream_stop(&reader->stream, error_set_at(reader->err, STATUS_FORMAT, reader->stream.container->name,
                                                          json_stream_position(&reader->stream), "%s", text));
}

/* Memory, or one of the limits of strip.h, which are there so that memory does not run out. */
int strip_too_much(StripReader *reader) {
    const StripBuilder *b = &reader->builder;
    const bool full = b->token_count >= STRIP_MAX_TOKENS || b->alternative_count >= STRIP_MAX_ALTERNATIVES ||
                      b->text_count >= STRIP_MAX_TEXTS || b->text_bytes >= STRIP_MAX_TEXT_BYTES - JSON_MAX_STRING;
    if (!full)
        return json_stream_stop(&reader->stream,
                                error_set(reader->err, STATUS_MEMORY, "not enough memory to read the probabilities"));
    return json_stream_stop(
        &reader->stream,
        error_set_at(reader->err, STATUS_UNSUPPORTED, reader->stream.container->name,
                     json_stream_position(&reader->stream),
                     "expected at most %zu tokens with %zu alternatives and 256 MB of texts, found more",
                     STRIP_MAX_TOKENS, STRIP_MAX_ALTERNATIVES));
}

/* ---- texts and numbers ----------------------------------------------------------------------- */

static int hex_digit(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* "bytes:\xe2\x98" (OpenAI completions) and "<0xE2>" (SentencePiece) stand for bytes; returns how many, 0: neither. */
static size_t spelled_bytes(const char *text, size_t length, char *out, size_t room) {
    static const char PREFIX[] = "bytes:";
    size_t count = 0, at = sizeof(PREFIX) - 1;
    if (length == 6 && !memcmp(text, "<0x", 3) && text[5] == '>' && hex_digit(text[3]) >= 0 &&
        hex_digit(text[4]) >= 0) {
        out[0] = (char)(hex_digit(text[3]) * 16 + hex_digit(text[4]));
        return 1;
    }
    if (length <= at || memcmp(text, PREFIX, at) != 0) return 0;
    while (at < length && count < room) {
        if (length - at >= 4 && text[at] == '\\' && text[at + 1] == 'x' && hex_digit(text[at + 2]) >= 0 &&
            hex_digit(text[at + 3]) >= 0) {
            out[count++] = (char)(hex_digit(text[at + 2]) * 16 + hex_digit(text[at + 3]));
            at += 4;
        } else {
            out[count++] = text[at++];
        }
    }
    return at < length ? 0 : count;
}

const StripText *strip_text_of(StripReader *reader, const char *text, size_t length) {
    char bytes[READ_TEXT_BYTES];
    const size_t count = spelled_bytes(text, length, bytes, sizeof(bytes));
    return count > 0 ? strip_text(&reader->builder, bytes, count, false)
                     : strip_text(&reader->builder, text, length, false);
}

static bool is_one_of(const char *key, const char *const *names, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!strcmp(key, names[i])) return true;
    return false;
}
#define IS_ONE_OF(key, names) is_one_of(key, names, BASE_COUNT(names))

int strip_check_logprob(StripReader *reader, float *value) {
    if (*value > STRIP_MAX_LOGPROB)
        return strip_refuse(reader, "expected a log-probability of at most 0, found %g", (double)*value);
    if (*value > 0) *value = 0;
    return 1;
}

/* A probability, kept as its logarithm. */
static int take_probability(StripReader *reader, float value, float *logprob) {
    if (value < 0 || value > 1 + STRIP_MAX_LOGPROB)
        return strip_refuse(reader, "expected a probability of 0 to 1, found %g", (double)value);
    *logprob = value >= 1 ? 0 : logf(value);
    return 1;
}

int strip_entry_number(StripReader *reader, StripEntry *entry, const char *key, float value) {
    static const char *const LOGPROB[] = {"logprob", "log_prob", "log_probability", "likelihood"};
    if (IS_ONE_OF(key, LOGPROB)) {
        entry->logprob = value;
        entry->any = true;
        return strip_check_logprob(reader, &entry->logprob);
    }
    if (!strcmp(key, "prob") || !strcmp(key, "probability")) {
        entry->any = true;
        return take_probability(reader, value, &entry->logprob);
    }
    if (!strcmp(key, "rank") && value >= 1 && value < 2147483000.0f) entry->rank = (int32_t)value;
    if ((!strcmp(key, "id") || !strcmp(key, "token_id")) && value >= 0 && value < 16777216.0f)
        entry->id = (int32_t)value;
    return 1;
}

int strip_entry_string(StripReader *reader, StripEntry *entry, const char *key, const char *text, size_t length) {
    static const char *const TEXT[] = {"token", "text", "content", "tok_str", "decoded_token"};
    if (entry->exact || !IS_ONE_OF(key, TEXT)) return 1;
    entry->text = strip_text_of(reader, text, length);
    entry->any = true;
    return entry->text ? 1 : strip_too_much(reader);
}

void strip_begin_entry(StripReader *reader, StripEntry *entry) {
    *entry = (StripEntry){.logprob = NAN, .id = -1, .first = reader->builder.alternative_count};
}

/* Of a token whose text is not given: "#15043", or nothing. */
static const StripText *text_of_id(StripReader *reader, int32_t id) {
    char text[16] = "";
    if (id >= 0) snprintf(text, sizeof(text), "#%d", (int)id);
    return strip_text(&reader->builder, text, strlen(text), false);
}

int strip_end_alternative(StripReader *reader) {
    const StripEntry *entry = &reader->top;
    if (!entry->any) return 1;
    const StripText *text = entry->text ? entry->text : text_of_id(reader, entry->id);
    if (!text) return strip_too_much(reader);
    const StripAlternative alternative = {&text->token, entry->logprob, entry->id};
    return strip_add_alternative(&reader->builder, alternative) ? 1 : strip_too_much(reader);
}

int strip_put_token(StripReader *reader, const StripText *text, float logprob, int32_t rank, size_t first,
                    bool continues) {
    if (!text) text = text_of_id(reader, -1);
    if (!text) return strip_too_much(reader);
    const StripToken token = {.token = &text->token,
                              .logprob = logprob,
                              .rank = rank,
                              .first = (uint32_t)first,
                              .count = (uint32_t)(reader->builder.alternative_count - first),
                              .continues = continues};
    return strip_add_token(&reader->builder, token) ? 1 : strip_too_much(reader);
}

/* llama.cpp's old form gives alternatives only; the token is one of them, if it was probable enough. */
static float logprob_among(const StripReader *reader, const StripEntry *entry) {
    for (size_t i = entry->first; i < reader->builder.alternative_count; i++)
        if (entry->text && reader->builder.alternatives[i].token == &entry->text->token)
            return reader->builder.alternatives[i].logprob;
    return NAN;
}

int strip_end_token(StripReader *reader) {
    StripEntry *entry = &reader->token;
    const size_t none = reader->builder.alternative_count;
    if (entry->chunk > 0) { /* the text is of all of them */
        reader->list.form = "Cohere";
        for (size_t i = 0; i < entry->chunk; i++)
            if (!strip_put_token(reader, i == 0 ? entry->text : NULL, reader->columns.numbers[i], 0, none, i > 0))
                return 0;
        return 1;
    }
    if (!entry->any) {
        reader->builder.alternative_count = entry->first;
        return 1;
    }
    if (isnan(entry->logprob)) entry->logprob = logprob_among(reader, entry);
    const StripText *text = entry->text ? entry->text : text_of_id(reader, entry->id);
    return strip_put_token(reader, text, entry->logprob, entry->rank, entry->first, false);
}

/* All alternatives of a place are there: which of them is the token? */
int strip_end_by_id(StripReader *reader) {
    StripBuilder *builder = &reader->builder;
    const StripEntry *entry = &reader->token;
    if (builder->alternative_count == entry->first) return strip_put_token(reader, NULL, NAN, 0, entry->first, false);
    const StripAlternative *chosen = &builder->alternatives[entry->first];
    builder->guessed |= builder->alternative_count - entry->first > 1;
    return strip_put_token(reader, (const StripText *)(const void *)chosen->token, chosen->logprob,
                           entry->rank > 0 ? entry->rank : STRIP_RANK_OR_BEYOND, entry->first, false);
}

/* The ids of the prompt came with it: no need to guess. */
void strip_use_prompt_ids(StripReader *reader, size_t first_run) {
    StripBuilder *builder = &reader->builder;
    bool all = true, any = false;
    for (size_t r = first_run; r < builder->run_count; r++) {
        const StripRun *run = &builder->runs[r];
        if (!run->prompt || run->count != reader->prompt_ids.count) {
            all &= !run->prompt;
            continue;
        }
        any = true;
        for (size_t i = 0; i < run->count; i++) {
            StripToken *token = &builder->tokens[run->first + i];
            for (uint32_t a = 0; a < token->count; a++) {
                const StripAlternative *item = &builder->alternatives[token->first + a];
                if (item->id != reader->prompt_ids.items[i]) continue;
                if (a != 0) token->rank = STRIP_RANK_OR_BEYOND; /* it was the first one's */
                token->token = item->token;
                token->logprob = item->logprob;
            }
        }
    }
    if (all && any) builder->guessed = false;
}

int strip_end_columns(StripReader *reader) {
    const size_t count = reader->columns.text_count;
    if (reader->columns.number_count > 0 && reader->columns.number_count != count)
        return strip_refuse(reader, "expected as many token_logprobs as tokens, found %zu and %zu",
                            reader->columns.number_count, count);
    if (reader->columns.map_count > 0 && reader->columns.map_count != count)
        return strip_refuse(reader, "expected as many top_logprobs as tokens, found %zu and %zu",
                            reader->columns.map_count, count);
    for (size_t i = 0; i < count; i++) {
        const float logprob = reader->columns.number_count > 0 ? reader->columns.numbers[i] : NAN;
        if (!strip_put_token(reader, reader->columns.texts[i], logprob, 0, reader->builder.alternative_count, false))
            return 0;
        if (reader->columns.map_count == 0) continue;
        StripToken *token = &reader->builder.tokens[reader->builder.token_count - 1];
        token->first = reader->columns.maps[i];
        token->count = (i + 1 < count ? reader->columns.maps[i + 1] : reader->columns.map_end) - token->first;
    }
    return 1;
}

int strip_end_id_entry(StripReader *reader, const char *key) {
    int64_t id = -1;
    const bool first = reader->builder.alternative_count == reader->token.first;
    if (text_parse_i64(key, &id) && id >= 0 && id < INT32_MAX) reader->top.id = (int32_t)id;
    if (first) reader->token.rank = reader->top.rank;
    reader->top.any = true;
    return strip_end_alternative(reader);
}
