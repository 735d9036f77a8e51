/* Tokens as they come -> strips.
 *
 * A vocabulary is small beside what is said with it, so each text is kept once (a hash table) and both tokens and
 * alternatives point to it. Answers that were streamed come in pieces, several choices in turn: a run is what came in
 * one list, and runs of the same stream and choice become one strip.
 *
 * A character may be spread over several tokens. The first of them shows the whole character, the others are marked to
 * continue it; each keeps its own bytes as raw text. */
#include "formats/strip.h"

#include <stdlib.h>

#define TEXT_SLOTS_FIRST 1024
#define JOINED_TOKENS 8 /* of one character: more than any has bytes */
#define JOINED_BYTES 256
#define SUM_SLACK 5e-3 /* probabilities that are rounded to four digits, 20 of them */

static Status no_memory(Error *err) {
    return error_set(err, STATUS_MEMORY, "not enough memory to read the probabilities");
}

/* ---- texts ----------------------------------------------------------------------------------- */

static StripText **text_slot(StripText **slots, size_t count, const char *bytes, size_t length, bool exact) {
    size_t at = (size_t)hash_bytes(bytes, length, exact) & (count - 1);
    while (slots[at] && (slots[at]->length != length || slots[at]->exact != exact ||
                         (length > 0 && memcmp(slots[at]->bytes, bytes, length) != 0)))
        at = (at + 1) & (count - 1);
    return &slots[at];
}

static bool grow_texts(StripBuilder *builder) {
    size_t count = builder->text_slots ? builder->text_slots * 2 : TEXT_SLOTS_FIRST;
    StripText **slots = mem_alloc_zeroed(count, sizeof(*slots));
    if (!slots) return false;
    for (size_t i = 0; i < builder->text_slots; i++) {
        StripText *text = builder->texts[i];
        if (text) *text_slot(slots, count, text->bytes, text->length, text->exact) = text;
    }
    mem_free(builder->texts);
    builder->texts = slots;
    builder->text_slots = count;
    return true;
}

const StripText *strip_text(StripBuilder *builder, const char *bytes, size_t length, bool exact) {
    if (2 * (builder->text_count + 1) > builder->text_slots && !grow_texts(builder)) return NULL;
    StripText **slot = text_slot(builder->texts, builder->text_slots, bytes, length, exact);
    if (*slot) return *slot;
    if (builder->text_count >= STRIP_MAX_TEXTS || length > STRIP_MAX_TEXT_BYTES - builder->text_bytes) return NULL;
    StripText *text = arena_alloc(&builder->container->arena, sizeof(*text));
    if (!text || !(text->bytes = arena_copy_text(&builder->container->arena, bytes, length))) return NULL;
    text->length = (uint32_t)length;
    text->exact = exact;
    builder->text_count++;
    builder->text_bytes += length;
    return *slot = text;
}

bool strip_add_token(StripBuilder *builder, StripToken token) {
    if (builder->token_count >= STRIP_MAX_TOKENS ||
        !mem_grow((void **)&builder->tokens, &builder->token_capacity, builder->token_count + 1, sizeof(token)))
        return false;
    builder->tokens[builder->token_count++] = token;
    return true;
}

bool strip_add_alternative(StripBuilder *builder, StripAlternative alternative) {
    if (builder->alternative_count >= STRIP_MAX_ALTERNATIVES ||
        !mem_grow((void **)&builder->alternatives, &builder->alternative_capacity, builder->alternative_count + 1,
                  sizeof(alternative)))
        return false;
    builder->alternatives[builder->alternative_count++] = alternative;
    return true;
}

void strip_builder_free(StripBuilder *builder) {
    mem_free(builder->tokens);
    mem_free(builder->alternatives);
    mem_free(builder->texts);
    mem_free(builder->runs);
    memset(builder, 0, sizeof(*builder));
}

/* Byte-level marks are undone where the file does not give the bytes themselves. */
static bool show_texts(StripBuilder *builder) {
    TokenEncoding encoding = TOKENS_AS_IS;
    bool exact = false;
    for (size_t i = 0; i < builder->text_slots; i++) {
        const StripText *text = builder->texts[i];
        if (!text) continue;
        const size_t length = text->length;
        exact |= text->exact;
        if (token_text_encoding(&text->bytes, &length, 1) == TOKENS_BYTE_LEVEL) encoding = TOKENS_BYTE_LEVEL;
    }
    if (exact) encoding = TOKENS_AS_IS;
    for (size_t i = 0; i < builder->text_slots; i++) {
        StripText *text = builder->texts[i];
        if (text && !token_text_make(&builder->container->arena, text->bytes, text->length, encoding, &text->token))
            return false;
    }
    return true;
}

/* ---- one token ------------------------------------------------------------------------------- */

static int compare_alternatives(const void *a_, const void *b_) {
    const StripAlternative *a = a_, *b = b_;
    const float x = isnan(a->logprob) ? -INFINITY : a->logprob, y = isnan(b->logprob) ? -INFINITY : b->logprob;
    if (x != y) return x > y ? -1 : 1;
    if (a->id != b->id) return a->id < b->id ? -1 : 1;
    return a->token == b->token ? 0 : strcmp(a->token->raw, b->token->raw);
}

static void sort_alternatives(StripAlternative *items, uint32_t count) {
    for (uint32_t i = 1; i < count; i++) {
        if (!(items[i].logprob > items[i - 1].logprob) && !isnan(items[i - 1].logprob)) continue;
        qsort(items, count, sizeof(*items), compare_alternatives);
        return;
    }
}

static bool same_text(const Token *a_, const Token *b_) {
    const StripText *a = (const StripText *)(const void *)a_, *b = (const StripText *)(const void *)b_;
    return a == b || (a->length == b->length && !memcmp(a->bytes, b->bytes, a->length));
}

/* Which alternative the token is, and its rank, where that can be said. Of several with the same text, the one with
 * the same probability. */
static void place_token(StripToken *token, const StripAlternative *items) {
    uint32_t above = 0;
    token->chosen = -1;
    for (uint32_t i = 0; i < token->count; i++) {
        above += items[i].logprob > token->logprob;
        if (!same_text(items[i].token, token->token)) continue;
        if (token->chosen < 0 || (items[token->chosen].logprob != token->logprob && items[i].logprob == token->logprob))
            token->chosen = (int32_t)i;
    }
    if (token->rank > 0) return;
    const uint32_t places = token->rank == STRIP_RANK_OR_BEYOND && token->count > 0 ? token->count - 1 : token->count;
    token->rank = !token->floored && !isnan(token->logprob) && above < places ? (int32_t)above + 1 : 0;
}

static void finish_tokens(StripBuilder *builder, int64_t *too_much) {
    *too_much = 0;
    for (size_t i = 0; i < builder->token_count; i++) {
        StripToken *token = &builder->tokens[i];
        StripAlternative *items = token->count > 0 ? builder->alternatives + token->first : NULL;
        double mass = 0;
        token->floored = token->logprob <= STRIP_FLOOR_LOGPROB;
        sort_alternatives(items, token->count);
        place_token(token, items);
        for (uint32_t a = 0; a < token->count; a++)
            mass += isnan(items[a].logprob) ? 0 : exp((double)items[a].logprob);
        *too_much += mass > 1 + SUM_SLACK;
    }
}

/* ---- characters in pieces -------------------------------------------------------------------- */

typedef enum Utf8State { UTF8_WHOLE, UTF8_CUT, UTF8_BROKEN } Utf8State;

/* Cut: valid but for a character at the end that has not all of its bytes. */
static Utf8State utf8_state(const char *bytes, size_t length) {
    for (size_t back = 1; back <= 3 && back <= length; back++) {
        const unsigned char c = (unsigned char)bytes[length - back];
        if (c < 0x80) break;
        if (c < 0xc0) continue;
        const size_t needs = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
        if (needs > back && c < 0xf8 && utf8_valid(bytes, length - back)) return UTF8_CUT;
        break;
    }
    return utf8_valid(bytes, length) ? UTF8_WHOLE : UTF8_BROKEN;
}

/* Tokens from `at` on that make whole characters together: how many, and their bytes. 1: nothing to join. */
static size_t joined_with(const StripToken *tokens, size_t at, size_t count, char *bytes, size_t *length) {
    *length = 0;
    for (size_t n = 0; n < JOINED_TOKENS && at + n < count; n++) {
        const StripText *text = (const StripText *)(const void *)tokens[at + n].token;
        if (text->length > JOINED_BYTES - *length || tokens[at + n].continues) return 1;
        memcpy(bytes + *length, text->bytes, text->length);
        *length += text->length;
        const Utf8State state = utf8_state(bytes, *length);
        if (state != UTF8_CUT) return state == UTF8_WHOLE ? n + 1 : 1;
    }
    return 1;
}

/* Makes the first of `count` tokens show all of their characters. */
static bool join_tokens(Container *container, StripToken *tokens, size_t count, const char *bytes, size_t length) {
    Token *whole = arena_alloc(&container->arena, sizeof(*whole));
    Token *rest = arena_alloc(&container->arena, (count - 1) * sizeof(*rest));
    if (!whole || !rest || !token_text_make(&container->arena, bytes, length, TOKENS_AS_IS, whole)) return false;
    whole->raw = tokens[0].token->raw;
    tokens[0].token = whole;
    for (size_t i = 1; i < count; i++) {
        rest[i - 1] = *tokens[i].token;
        rest[i - 1].display = "";
        tokens[i].token = &rest[i - 1];
        tokens[i].continues = true;
    }
    return true;
}

static bool join_characters(StripBuilder *builder, StripToken *tokens, size_t count) {
    char bytes[JOINED_BYTES];
    size_t length;
    for (size_t at = 0; at < count;) {
        const StripText *text = (const StripText *)(const void *)tokens[at].token;
        size_t joined = 1;
        if (utf8_state(text->bytes, text->length) == UTF8_CUT) joined = joined_with(tokens, at, count, bytes, &length);
        if (joined > 1 && !join_tokens(builder->container, tokens + at, joined, bytes, length)) return false;
        at += joined;
    }
    return true;
}

/* ---- strips ---------------------------------------------------------------------------------- */

static int compare_runs(const void *a_, const void *b_) {
    const StripRun *a = a_, *b = b_;
    if (a->stream != b->stream) return a->stream < b->stream ? -1 : 1;
    if (a->choice != b->choice) return a->choice < b->choice ? -1 : 1;
    if (a->prompt != b->prompt) return a->prompt ? -1 : 1;
    return a->first < b->first ? -1 : a->first > b->first;
}

static bool same_strip(const StripRun *a, const StripRun *b) {
    return a->stream == b->stream && a->prompt == b->prompt && a->choice == b->choice;
}

/* Leaves out what was dropped, and what repeats the rest of its stream; sorts. */
static void order_runs(StripBuilder *builder) {
    size_t kept = 0;
    if (builder->run_count == 0) return;
    qsort(builder->runs, builder->run_count, sizeof(StripRun), compare_runs);
    for (size_t start = 0; start < builder->run_count;) {
        size_t end = start;
        bool first_hand = false;
        for (; end < builder->run_count && builder->runs[end].stream == builder->runs[start].stream; end++)
            first_hand |= !builder->runs[end].spare && !builder->runs[end].dropped && builder->runs[end].count > 0;
        for (; start < end; start++) {
            const StripRun run = builder->runs[start];
            if (run.count > 0 && !run.dropped && !(run.spare && first_hand)) builder->runs[kept++] = run;
        }
    }
    builder->run_count = kept;
}

/* Tokens in the order of the runs. */
static bool order_tokens(StripBuilder *builder) {
    size_t count = 0, at = 0;
    bool ordered = true;
    for (size_t i = 0; i < builder->run_count; i++) {
        ordered &= builder->runs[i].first == count;
        count += builder->runs[i].count;
    }
    if (!ordered) {
        StripToken *tokens = mem_alloc_zeroed(count, sizeof(*tokens));
        if (!tokens) return false;
        for (size_t i = 0; i < builder->run_count; i++) {
            StripRun *run = &builder->runs[i];
            memcpy(tokens + at, builder->tokens + run->first, run->count * sizeof(*tokens));
            run->first = at;
            at += run->count;
        }
        mem_free(builder->tokens);
        builder->tokens = tokens;
        builder->token_capacity = count;
    }
    builder->token_count = count;
    return true;
}

/* "answer", with its choice and the label of its stream where there are several. */
static const char *name_strip(StripBuilder *builder, const StripRun *run, bool choices, bool streams) {
    char choice[32] = "";
    if (choices) snprintf(choice, sizeof(choice), ", choice %d", run->choice);
    if (!streams) return arena_format(&builder->container->arena, "%s%s", run->prompt ? "prompt" : "answer", choice);
    if (run->label[0])
        return arena_format(&builder->container->arena, "%s: %s%s", run->label, run->prompt ? "prompt" : "answer",
                            choice);
    return arena_format(&builder->container->arena, "%d: %s%s", run->stream, run->prompt ? "prompt" : "answer", choice);
}

static void summarise(StripInfo *strip) {
    double sum = 0;
    for (int64_t i = 0; i < strip->count; i++) {
        const StripToken *token = &strip->tokens[i];
        if (isnan(token->logprob))
            strip->missing++;
        else if (token->floored)
            strip->floored++;
        else {
            strip->known++;
            sum += (double)token->logprob;
        }
        if ((int)token->count > strip->most_alternatives) strip->most_alternatives = (int)token->count;
    }
    strip->mean_logprob = strip->known > 0 ? sum / (double)strip->known : (double)NAN;
}

static Status make_strips(StripBuilder *builder, Error *err) {
    Container *container = builder->container;
    int strips = 0;
    bool choices = false;
    for (size_t i = 0; i < builder->run_count; i++) {
        strips += i == 0 || !same_strip(&builder->runs[i - 1], &builder->runs[i]);
        choices |= builder->runs[i].choice > 0;
    }
    if (strips > STRIP_MAX_STRIPS)
        return error_set_at(err, STATUS_UNSUPPORTED, container->name, -1, "expected at most %d answers, found %d",
                            STRIP_MAX_STRIPS, strips);
    const bool streams = builder->runs[0].stream != builder->runs[builder->run_count - 1].stream;
    container->strips = arena_alloc(&container->arena, (size_t)strips * sizeof(StripInfo));
    if (!container->strips) return no_memory(err);
    for (size_t i = 0; i < builder->run_count;) {
        const StripRun *run = &builder->runs[i];
        StripInfo *strip = &container->strips[container->strip_count++];
        strip->form = run->form;
        strip->name = name_strip(builder, run, choices, streams);
        if (!strip->name) return no_memory(err);
        for (; i < builder->run_count && same_strip(run, &builder->runs[i]); i++)
            strip->count += (int64_t)builder->runs[i].count;
        if (!join_characters(builder, builder->tokens + run->first, (size_t)strip->count)) return no_memory(err);
        strip->tokens = builder->tokens + run->first;
        strip->alternatives = builder->alternatives;
        summarise(strip);
    }
    return STATUS_OK;
}

static bool add_notes(StripBuilder *builder, int64_t too_much) {
    Container *container = builder->container;
    int64_t floored = 0;
    for (int i = 0; i < container->strip_count; i++)
        floored += container->strips[i].floored;
    bool ok = container_note(container, "these are probabilities of tokens (%s), not attention",
                             container->strips[0].form);
    if (floored > 0)
        ok = ok && container_note(container,
                                  "%lld log-probabilities are %g or less: the API says very unlikely, not how "
                                  "much, so means leave them out",
                                  (long long)floored, (double)STRIP_FLOOR_LOGPROB);
    if (builder->guessed)
        ok = ok && container_note(container, "which token was taken is told by the order in the file: the "
                                             "first of each place, as vLLM writes it");
    if (too_much > 0)
        ok = ok && container_note(container,
                                  "the alternatives of %lld token%s add up to more than 1: they may not be "
                                  "probabilities of one distribution",
                                  (long long)too_much, too_much == 1 ? "" : "s");
    return ok;
}

Status strip_finish(StripBuilder *builder, Error *err) {
    Container *container = builder->container;
    int64_t too_much = 0;
    order_runs(builder);
    if (builder->run_count == 0) return error_set(err, STATUS_NOT_FOUND, "there are no probabilities");
    if (!order_tokens(builder) || !show_texts(builder)) return no_memory(err);
    finish_tokens(builder, &too_much);
    Status status = make_strips(builder, err);
    if (status != STATUS_OK) return status;
    if (!add_notes(builder, too_much)) return no_memory(err);
    container->strip_memory[0] = builder->tokens;
    container->strip_memory[1] = builder->alternatives;
    builder->tokens = NULL;
    builder->alternatives = NULL;
    return STATUS_OK;
}
