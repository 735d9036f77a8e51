/* strip: what the parts of reading probabilities share. Private to this folder. */
#ifndef ATTNSCOPE_FORMATS_STRIP_H
#define ATTNSCOPE_FORMATS_STRIP_H

#include "formats/json.h"

#define STRIP_MAX_STRIPS 1000000
#define STRIP_MAX_TOKENS ((size_t)8 << 20)
#define STRIP_MAX_ALTERNATIVES ((size_t)32 << 20)
#define STRIP_MAX_TEXTS ((size_t)16 << 20) /* different ones */
#define STRIP_MAX_TEXT_BYTES ((size_t)256 << 20)
#define STRIP_MAX_LOGPROB 1e-3f /* above 0 by so much is rounding */
/* While reading: the rank is the place among the alternatives, unless the token is the last of them, which may stand
 * anywhere behind the others. */
#define STRIP_RANK_OR_BEYOND (-1)

/* ---- strip_build.c : texts kept once, runs of tokens -> strips ------------------------------- */

/* A text of the file; its Token is made when all have come. */
typedef struct StripText {
    Token token; /* first: a pointer to it is what strips hold */
    uint32_t length;
    bool exact; /* these are the bytes of the token, as the file says */
    const char *bytes;
} StripText;

/* Tokens that came in one list. */
typedef struct StripRun {
    size_t first, count;
    const char *form;
    int stream; /* runs of one stream and choice follow each other */
    int choice;
    bool prompt;
    bool spare; /* says once more what others of the stream have said */
    bool dropped;
    char label[48]; /* of its stream */
} StripRun;

typedef struct StripBuilder {
    Container *container;
    StripToken *tokens;
    size_t token_count, token_capacity;
    StripAlternative *alternatives;
    size_t alternative_count, alternative_capacity;
    StripText **texts; /* open addressing, by bytes */
    size_t text_count, text_slots, text_bytes;
    StripRun *runs;
    size_t run_count, run_capacity;
    bool guessed; /* which token of a prompt is meant was told from the order of the file */
} StripBuilder;

/* The one StripText of these bytes; NULL when memory or the room for texts ran out. */
const StripText *strip_text(StripBuilder *builder, const char *bytes, size_t length, bool exact);
/* False when memory, or the room for them, ran out. */
bool strip_add_token(StripBuilder *builder, StripToken token);
bool strip_add_alternative(StripBuilder *builder, StripAlternative alternative);
/* Runs -> container->strips, with notes. STATUS_NOT_FOUND when there is no token. */
Status strip_finish(StripBuilder *builder, Error *err);
void strip_builder_free(StripBuilder *builder);

/* ---- strip_read.c, strip_entry.c : the reader ------------------------------------------------ */

enum { READ_KEY = 32, READ_LABEL = 48, READ_TEXT_BYTES = 1024 };

typedef enum StripPlace {
    PLACE_OTHER,
    PLACE_PARTS, /* a list within a record whose objects are parts of it */
    PLACE_CHOICES,
    PLACE_CHOICE,
    PLACE_LOGPROBS, /* {content: ...} or {tokens, token_logprobs, top_logprobs} */
    PLACE_TOKENS,
    PLACE_TOKEN,
    PLACE_TOPS,
    PLACE_TOP,
    PLACE_BYTES,
    PLACE_CHUNK, /* log-probabilities of one token object */
    PLACE_TEXTS,
    PLACE_NUMBERS,
    PLACE_MAPS,  /* [{text: logprob}] */
    PLACE_MAP,   /* {text: logprob} */
    PLACE_BY_ID, /* {id: {logprob, rank, decoded_token}} */
    PLACE_ENTRY, /* one of these */
    PLACE_PROMPT_IDS,
    PLACE_IGNORED,
} StripPlace;

typedef struct StripFrame {
    StripPlace place;
    bool list;
    bool record;
    char key[READ_KEY]; /* object: of the value that comes; longer ones are cut */
    int count;          /* list of choices: so far */
    size_t first_run;
} StripFrame;

/* One answer, or a piece of one. */
typedef struct StripRecord {
    char id[READ_LABEL], type[READ_LABEL], object[READ_LABEL], label[READ_LABEL];
    size_t first_run;
    bool stop;
} StripRecord;

/* A token or an alternative while its keys come. */
typedef struct StripEntry {
    const StripText *text;
    bool exact, any; /* the text is from bytes; something of a token was there */
    float logprob;
    int32_t rank, id;
    size_t first; /* alternative */
    size_t chunk; /* log-probabilities of a chunk of text */
} StripEntry;

/* Answers that come in pieces. */
typedef struct StripStreams {
    int count;
    char id[READ_LABEL]; /* of the last */
    bool open;           /* the next piece may go on with it */
} StripStreams;

/* The list of tokens that is read. */
typedef struct StripList {
    bool prompt;
    const char *form;
    size_t first; /* its first token */
} StripList;

/* PLACE_LOGPROBS: texts, numbers and alternatives side by side, until all have come. */
typedef struct StripColumns {
    const StripText **texts;
    float *numbers;
    uint32_t *maps; /* where the alternatives of each begin */
    uint32_t map_end;
    size_t text_count, text_capacity, number_count, number_capacity, map_count, map_capacity;
} StripColumns;

typedef struct StripPromptIds {
    int32_t *items;
    size_t count, capacity;
    int depth; /* 0: none waiting */
} StripPromptIds;

typedef struct StripReader {
    JsonStream stream;
    StripBuilder builder;
    Error *err;
    StripFrame frames[JSON_MAX_DEPTH];
    int depth;
    StripRecord records[JSON_MAX_DEPTH];
    int record_count;
    StripStreams streams;
    int choice;
    StripList list;
    StripEntry token, top;
    unsigned char bytes[READ_TEXT_BYTES];
    size_t byte_count;
    StripColumns columns;
    StripPromptIds prompt_ids;
    bool attention; /* a key of attention was seen */
} StripReader;

/* What callbacks of the parser return: 1 to go on, 0 after an error. */
int strip_refuse(StripReader *reader, const char *format, ...) BASE_PRINTF(2, 3);
int strip_too_much(StripReader *reader); /* memory, or one of the limits above */

/* strip_entry.c: keys and values of a token or an alternative; then the whole of it. */
const StripText *strip_text_of(StripReader *reader, const char *text, size_t length);
int strip_check_logprob(StripReader *reader, float *value);
int strip_entry_number(StripReader *reader, StripEntry *entry, const char *key, float value);
int strip_entry_string(StripReader *reader, StripEntry *entry, const char *key, const char *text, size_t length);
void strip_begin_entry(StripReader *reader, StripEntry *entry);
int strip_end_alternative(StripReader *reader);
int strip_end_token(StripReader *reader);
/* Of {id: {logprob, rank, decoded_token}}: one alternative under this key; then the token. */
int strip_end_id_entry(StripReader *reader, const char *key);
int strip_end_by_id(StripReader *reader);
/* tokens, token_logprobs and top_logprobs side by side. */
int strip_end_columns(StripReader *reader);
int strip_put_token(StripReader *reader, const StripText *text, float logprob, int32_t rank, size_t first,
                    bool continues);
/* The ids of the prompts of runs [first_run, ...) came with them. */
void strip_use_prompt_ids(StripReader *reader, size_t first_run);

#endif
