/* The answers of APIs that give probabilities and no attention:
 *
 *   OpenAI chat          choices[].logprobs.content[] {token, logprob, bytes, top_logprobs[]}; vLLM, llama.cpp too
 *   OpenAI Responses     output[].content[].logprobs[], the same; events response.output_text.delta
 *   OpenAI completions   choices[].logprobs {tokens[], token_logprobs[], top_logprobs[] {text: logprob}}
 *   vLLM                 prompt_logprobs[], outputs[].logprobs[]: null or {id: {logprob, rank, decoded_token}}
 *   llama.cpp server     completion_probabilities[] {token, logprob | prob, top_logprobs | top_probs}, or
 *                        {content, probs[] {tok_str, prob}}
 *   Cohere               logprobs[] {text, token_ids[], logprobs[]}; generations[].token_likelihoods[]
 *
 * one, or several as JSON Lines, in a list, or as saved server-sent events. Everything is told by keys: a place is what
 * a list or an object means, given the place it is in and its key.
 *
 *   record > choice > logprobs > tokens > token > tops > top > bytes
 *
 * A record is one answer, or one piece of a streamed answer. Pieces are told by their framing or their name ("...chunk"),
 * and belong together while their id stays the same. */
#include "formats/strip.h"

static bool is_one_of(const char *key, const char *const *names, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!strcmp(key, names[i])) return true;
    return false;
}
#define IS_ONE_OF(key, names) is_one_of(key, names, BASE_COUNT(names))

static StripFrame *top_frame(StripReader *reader) {
    return reader->depth > 0 ? &reader->frames[reader->depth - 1] : NULL;
}

/* ---- lists and objects: what they mean ------------------------------------------------------- */

static StripPlace list_place(const StripReader *reader, const StripFrame *in) {
    static const char *const CHOICES[] = {"choices", "outputs", "generations"};
    static const char *const PARTS[] = {"output", "content", "parts"};
    static const char *const TOKENS[] = {"logprobs", "prompt_logprobs", "completion_probabilities",
                                         "token_likelihoods"};
    static const char *const TOPS[] = {"top_logprobs", "top_probs", "probs", "top_tokens"};
    const char *key = in->key;
    switch (in->place) {
    case PLACE_LOGPROBS:
        if (!strcmp(key, "content") || !strcmp(key, "refusal")) return PLACE_TOKENS;
        if (!strcmp(key, "tokens")) return PLACE_TEXTS;
        if (!strcmp(key, "token_logprobs")) return PLACE_NUMBERS;
        return !strcmp(key, "top_logprobs") ? PLACE_MAPS : PLACE_IGNORED;
    case PLACE_TOKEN:
        if (IS_ONE_OF(key, TOPS)) return PLACE_TOPS;
        if (!strcmp(key, "logprobs")) return PLACE_CHUNK;
        return !strcmp(key, "bytes") ? PLACE_BYTES : PLACE_IGNORED;
    case PLACE_TOP:
        return !strcmp(key, "bytes") ? PLACE_BYTES : PLACE_IGNORED;
    case PLACE_OTHER:
    case PLACE_CHOICE:
        if (in->list) return PLACE_OTHER;
        if (IS_ONE_OF(key, TOKENS)) return PLACE_TOKENS;
        if (IS_ONE_OF(key, CHOICES)) return PLACE_CHOICES;
        if (!strcmp(key, "prompt_token_ids")) return PLACE_PROMPT_IDS;
        return reader->record_count > 0 && IS_ONE_OF(key, PARTS) ? PLACE_PARTS : PLACE_OTHER;
    case PLACE_PARTS:
        return PLACE_PARTS;
    default:
        return PLACE_IGNORED;
    }
}

static StripPlace object_place(const StripFrame *in) {
    switch (in->place) {
    case PLACE_CHOICES:
        return PLACE_CHOICE;
    case PLACE_TOKENS:
        return in->list ? PLACE_TOKEN : PLACE_IGNORED;
    case PLACE_TOPS:
        return PLACE_TOP;
    case PLACE_MAPS:
        return PLACE_MAP;
    case PLACE_BY_ID:
        return PLACE_ENTRY;
    case PLACE_OTHER:
    case PLACE_PARTS:
    case PLACE_CHOICE:
        return !in->list && !strcmp(in->key, "logprobs") ? PLACE_LOGPROBS : PLACE_OTHER;
    default:
        return PLACE_IGNORED;
    }
}

static const char *form_of(const StripReader *reader, const StripFrame *in) {
    if (in->place == PLACE_LOGPROBS) return "OpenAI chat";
    if (!strcmp(in->key, "prompt_logprobs")) return "vLLM prompt";
    if (!strcmp(in->key, "completion_probabilities")) return "llama.cpp";
    if (!strcmp(in->key, "token_likelihoods")) return "Cohere";
    return in->place == PLACE_CHOICE ? "vLLM" : reader->record_count > 0 ? "OpenAI Responses" : "log-probabilities";
}

/* ---- runs and records ------------------------------------------------------------------------ */

static int end_run(StripReader *reader, size_t first, bool prompt, const char *form) {
    StripBuilder *builder = &reader->builder;
    if (builder->token_count == first) return 1;
    if (!mem_grow((void **)&builder->runs, &builder->run_capacity, builder->run_count + 1, sizeof(StripRun)))
        return strip_too_much(reader);
    builder->runs[builder->run_count++] = (StripRun){
        .first = first, .count = builder->token_count - first, .form = form, .prompt = prompt};
    return 1;
}

static void begin_record(StripReader *reader, StripFrame *frame) {
    frame->record = true;
    reader->records[reader->record_count] = (StripRecord){.first_run = reader->builder.run_count};
    reader->record_count++;
    reader->choice = 0;
}

/* Gives the record's runs their stream. */
static void end_record(StripReader *reader) {
    const StripRecord *record = &reader->records[--reader->record_count];
    StripBuilder *builder = &reader->builder;
    const bool event = text_starts_with(record->type, "response.");
    const bool piece = reader->stream.sent_events || text_ends_with(record->object, "chunk") || event;
    const bool whole = event && !strcmp(record->type, "response.completed");
    const bool delta = event && !strcmp(record->type, "response.output_text.delta");
    const bool goes_on = piece && reader->streams.open && (event || !strcmp(reader->streams.id, record->id));
    bool any = false;
    for (size_t i = record->first_run; i < builder->run_count; i++) {
        StripRun *run = &builder->runs[i];
        if (run->stream > 0) continue; /* of a record within this one */
        if (!any && !goes_on) reader->streams.count++;
        any = true;
        run->stream = reader->streams.count;
        run->dropped = event && !delta && !whole;
        run->spare = whole;
        snprintf(run->label, sizeof(run->label), "%s", record->label[0] ? record->label : record->id);
    }
    if (any) {
        reader->streams.open = piece;
        snprintf(reader->streams.id, sizeof(reader->streams.id), "%s", record->id);
    }
    if (record->stop) reader->streams.open = false;
}

/* ---- events ---------------------------------------------------------------------------------- */

static StripFrame *push_frame(StripReader *reader, bool list) {
    if (reader->depth == JSON_MAX_DEPTH) {
        strip_refuse(reader, "expected JSON at most %d levels deep, found more", JSON_MAX_DEPTH);
        return NULL;
    }
    StripFrame *frame = &reader->frames[reader->depth++];
    *frame = (StripFrame){.list = list, .place = PLACE_OTHER, .first_run = reader->builder.run_count};
    return frame;
}

static int on_list(void *user) {
    StripReader *reader = user;
    const StripFrame *in = top_frame(reader);
    const StripPlace place = in ? list_place(reader, in) : PLACE_OTHER;
    if (place == PLACE_TOKENS) {
        reader->list.prompt = !strcmp(in->key, "prompt_logprobs");
        reader->list.form = form_of(reader, in);
        reader->list.first = reader->builder.token_count;
    }
    if (place == PLACE_BYTES) reader->byte_count = 0;
    if (place == PLACE_TEXTS) reader->columns.text_count = 0;
    if (place == PLACE_NUMBERS || place == PLACE_CHUNK) reader->columns.number_count = 0;
    if (place == PLACE_MAPS) reader->columns.map_count = 0;
    if (place == PLACE_PROMPT_IDS) reader->prompt_ids.count = 0;
    StripFrame *frame = push_frame(reader, true);
    if (!frame) return 0;
    frame->place = place;
    return 1;
}

/* The bytes of a token or an alternative, which tell more than its text. */
static int end_bytes(StripReader *reader) {
    StripEntry *entry = reader->frames[reader->depth - 1].place == PLACE_TOP ? &reader->top : &reader->token;
    if (reader->byte_count == 0) return 1;
    entry->text = strip_text(&reader->builder, (const char *)reader->bytes, reader->byte_count, true);
    entry->exact = entry->any = true;
    return entry->text ? 1 : strip_too_much(reader);
}

static int on_list_end(void *user) {
    StripReader *reader = user;
    const StripPlace place = reader->frames[--reader->depth].place;
    switch (place) {
    case PLACE_TOKENS:
        return end_run(reader, reader->list.first, reader->list.prompt, reader->list.form);
    case PLACE_BYTES:
        return end_bytes(reader);
    case PLACE_CHUNK:
        reader->token.chunk = reader->columns.number_count;
        return 1;
    case PLACE_MAPS:
        reader->columns.map_end = (uint32_t)reader->builder.alternative_count;
        return 1;
    case PLACE_PROMPT_IDS:
        reader->prompt_ids.depth = reader->depth;
        return 1;
    default:
        return 1;
    }
}

static bool add_map(StripReader *reader) {
    if (!mem_grow((void **)&reader->columns.maps, &reader->columns.map_capacity, reader->columns.map_count + 1,
                  sizeof(*reader->columns.maps)))
        return false;
    reader->columns.maps[reader->columns.map_count++] = (uint32_t)reader->builder.alternative_count;
    return true;
}

static int on_object(void *user) {
    StripReader *reader = user;
    StripFrame *in = top_frame(reader);
    const StripPlace place = in ? object_place(in) : PLACE_OTHER;
    /* The outermost objects, and those in lists that mean nothing else. */
    const bool record = !in || (in->list && in->place == PLACE_OTHER);
    StripFrame *frame = push_frame(reader, false);
    if (!frame) return 0;
    frame->place = place;
    if (record) begin_record(reader, frame);
    if (place == PLACE_CHOICE) reader->choice = in->count++; /* unless it says so itself */
    if (place == PLACE_TOKEN) strip_begin_entry(reader, &reader->token);
    if (place == PLACE_TOP || place == PLACE_ENTRY) strip_begin_entry(reader, &reader->top);
    if (place == PLACE_LOGPROBS)
        reader->columns.text_count = reader->columns.number_count = reader->columns.map_count = 0;
    if (place == PLACE_MAP && !add_map(reader)) return strip_too_much(reader);
    return 1;
}

/* The choice's number may come after its tokens. */
static void end_choice(StripReader *reader, size_t first_run) {
    for (size_t i = first_run; i < reader->builder.run_count; i++)
        reader->builder.runs[i].choice = reader->choice;
    reader->choice = 0;
}

static int on_object_end(void *user) {
    StripReader *reader = user;
    const StripFrame *frame = &reader->frames[--reader->depth];
    int going = 1;
    size_t first;
    switch (frame->place) {
    case PLACE_TOKEN:
        going = strip_end_token(reader);
        break;
    case PLACE_TOP:
        going = strip_end_alternative(reader);
        break;
    case PLACE_BY_ID:
        going = strip_end_by_id(reader);
        break;
    case PLACE_ENTRY:
        going = strip_end_id_entry(reader, top_frame(reader)->key);
        break;
    case PLACE_LOGPROBS:
        first = reader->builder.token_count;
        going = strip_end_columns(reader) && end_run(reader, first, false, "OpenAI completions");
        break;
    case PLACE_CHOICE:
        end_choice(reader, frame->first_run);
        break;
    default:
        break;
    }
    if (reader->prompt_ids.depth == reader->depth + 1) {
        strip_use_prompt_ids(reader, frame->first_run);
        reader->prompt_ids.depth = 0;
    }
    if (going && frame->record) end_record(reader);
    return going;
}

static bool all_digits(const char *key) {
    return key[0] && key[strspn(key, "0123456789")] == '\0';
}

static int on_key(void *user, const unsigned char *bytes, size_t length) {
    static const char *const ATTENTION[] = {"attention", "attentions", "attn"};
    StripReader *reader = user;
    StripFrame *frame = top_frame(reader);
    snprintf(frame->key, READ_KEY, "%.*s", (int)(length < READ_KEY ? length : READ_KEY - 1), (const char *)bytes);
    if (frame->place == PLACE_OTHER && IS_ONE_OF(frame->key, ATTENTION)) reader->attention = true;
    if (frame->place == PLACE_TOKEN && !reader->token.any && all_digits(frame->key)) frame->place = PLACE_BY_ID;
    if (frame->place != PLACE_MAP) return 1;
    strip_begin_entry(reader, &reader->top);
    reader->top.text = strip_text_of(reader, (const char *)bytes, length);
    return reader->top.text ? 1 : strip_too_much(reader);
}

static bool add_number(StripReader *reader, float value) {
    if (!mem_grow((void **)&reader->columns.numbers, &reader->columns.number_capacity, reader->columns.number_count + 1,
                  sizeof(float)))
        return false;
    reader->columns.numbers[reader->columns.number_count++] = value;
    return true;
}

static int add_byte(StripReader *reader, float value) {
    if (!(value >= 0 && value <= 255) || value != floorf(value))
        return strip_refuse(reader, "expected bytes of 0 to 255, found %g", (double)value);
    if (reader->byte_count == READ_TEXT_BYTES)
        return strip_refuse(reader, "expected at most %d bytes a token, found more", READ_TEXT_BYTES);
    reader->bytes[reader->byte_count++] = (unsigned char)value;
    return 1;
}

static int add_prompt_id(StripReader *reader, float value) {
    if (!mem_grow((void **)&reader->prompt_ids.items, &reader->prompt_ids.capacity, reader->prompt_ids.count + 1,
                  sizeof(int32_t)))
        return strip_too_much(reader);
    reader->prompt_ids.items[reader->prompt_ids.count++] = value >= 0 && value < 16777216.0f ? (int32_t)value : -1;
    return 1;
}

/* A number, or NAN for null. */
static int take_number(StripReader *reader, float value) {
    const StripFrame *in = top_frame(reader);
    if (!in) {
        if (isnan(value)) reader->streams.open = false; /* [DONE] */
        return 1;
    }
    switch (in->place) {
    case PLACE_TOKENS:
        if (isnan(value) && !reader->list.prompt) return 1;
        return strip_check_logprob(reader, &value) &&
               strip_put_token(reader, NULL, value, 0, reader->builder.alternative_count, false);
    case PLACE_TOKEN:
        return strip_entry_number(reader, &reader->token, in->key, value);
    case PLACE_TOP:
    case PLACE_ENTRY:
        return strip_entry_number(reader, &reader->top, in->key, value);
    case PLACE_BYTES:
        return isnan(value) ? 1 : add_byte(reader, value);
    case PLACE_NUMBERS:
    case PLACE_CHUNK:
        if (!strip_check_logprob(reader, &value)) return 0;
        return add_number(reader, value) ? 1 : strip_too_much(reader);
    case PLACE_MAPS:
        return !isnan(value) || add_map(reader) ? 1 : strip_too_much(reader);
    case PLACE_MAP:
        reader->top.any = true;
        reader->top.logprob = value;
        return strip_check_logprob(reader, &reader->top.logprob) && strip_end_alternative(reader);
    case PLACE_BY_ID: /* {id: logprob} */
        strip_begin_entry(reader, &reader->top);
        reader->top.logprob = value;
        return strip_check_logprob(reader, &reader->top.logprob) && strip_end_id_entry(reader, in->key);
    case PLACE_CHOICE:
        if (!strcmp(in->key, "index") && value >= 0 && value < (float)STRIP_MAX_STRIPS) reader->choice = (int)value;
        return 1;
    case PLACE_PROMPT_IDS:
        return add_prompt_id(reader, value);
    default:
        return 1;
    }
}

static int on_number(void *user, const char *text, size_t length) {
    return take_number(user, json_float(text, length));
}

static int on_null(void *user) {
    return take_number(user, NAN);
}

static int on_boolean(void *user, int value) {
    StripReader *reader = user;
    const StripFrame *in = top_frame(reader);
    if (in && in->record && !strcmp(in->key, "stop")) reader->records[reader->record_count - 1].stop = value != 0;
    return 1;
}

/* What tells which answer a record belongs to. The body of a batch may be an object within it. */
static void record_string(StripReader *reader, const StripFrame *in, const char *text, size_t length) {
    StripRecord *record = reader->record_count > 0 ? &reader->records[reader->record_count - 1] : NULL;
    const struct {
        const char *key;
        char *to;
        bool always;
    } WANTED[] = {{"id", record ? record->id : NULL, in->record},
                  {"item_id", record ? record->id : NULL, in->record},
                  {"object", record ? record->object : NULL, true},
                  {"type", record ? record->type : NULL, in->record},
                  {"custom_id", record ? record->label : NULL, in->record}};
    for (size_t i = 0; record && i < BASE_COUNT(WANTED); i++) {
        if (strcmp(in->key, WANTED[i].key) != 0 || !WANTED[i].always) continue;
        snprintf(WANTED[i].to, READ_LABEL, "%.*s", (int)(length < READ_LABEL ? length : READ_LABEL - 1), text);
        for (char *c = WANTED[i].to; *c; c++)
            if ((unsigned char)*c < 0x20 || (unsigned char)*c >= 0x7f) *c = '_';
    }
    if (record && !strcmp(in->key, "model") && !container_metadata(reader->builder.container, "model"))
        (void)container_add_metadata(reader->builder.container, "model", text, length < 200 ? length : 200);
}

static int on_string(void *user, const unsigned char *bytes, size_t length) {
    StripReader *reader = user;
    const StripFrame *in = top_frame(reader);
    const char *text = (const char *)bytes;
    if (!in) return 1;
    switch (in->place) {
    case PLACE_TOKEN:
        return strip_entry_string(reader, &reader->token, in->key, text, length);
    case PLACE_TOP:
    case PLACE_ENTRY:
        return strip_entry_string(reader, &reader->top, in->key, text, length);
    case PLACE_TEXTS:
        if (!mem_grow((void **)&reader->columns.texts, &reader->columns.text_capacity, reader->columns.text_count + 1,
                      sizeof(*reader->columns.texts)) ||
            !(reader->columns.texts[reader->columns.text_count] = strip_text_of(reader, text, length)))
            return strip_too_much(reader);
        reader->columns.text_count++;
        return 1;
    case PLACE_OTHER:
        if (!in->list) record_string(reader, in, text, length);
        return 1;
    default:
        return 1;
    }
}

/* ---- all of it ------------------------------------------------------------------------------- */

Status strip_read(Container *container, const Progress *progress, Error *err) {
    static const yajl_callbacks CALLBACKS = {
        .yajl_null = on_null,
        .yajl_boolean = on_boolean,
        .yajl_number = on_number,
        .yajl_string = on_string,
        .yajl_start_map = on_object,
        .yajl_map_key = on_key,
        .yajl_end_map = on_object_end,
        .yajl_start_array = on_list,
        .yajl_end_array = on_list_end,
    };
    StripReader *reader = mem_alloc_zeroed(1, sizeof(*reader));
    if (!reader) return error_set(err, STATUS_MEMORY, "not enough memory to read the probabilities");
    reader->err = err;
    reader->builder.container = container;
    reader->stream = (JsonStream){
        .container = container, .callbacks = &CALLBACKS, .user = reader, .several = true, .err = err};
    Status status = json_stream_run(&reader->stream, progress);
    if (status == STATUS_OK && reader->attention) status = error_set(err, STATUS_NOT_FOUND, "the file holds attention");
    if (status == STATUS_OK) status = strip_finish(&reader->builder, err);
    strip_builder_free(&reader->builder);
    mem_free(reader->columns.texts);
    mem_free(reader->columns.numbers);
    mem_free(reader->columns.maps);
    mem_free(reader->prompt_ids.items);
    mem_free(reader);
    return status;
}
