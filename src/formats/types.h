/* types: what files are made of, in words that all layers above share. */
#ifndef ATTNSCOPE_FORMATS_TYPES_H
#define ATTNSCOPE_FORMATS_TYPES_H

#include "base/base.h"

typedef enum DType {
    DTYPE_F16,
    DTYPE_BF16,
    DTYPE_F32,
    DTYPE_F64,
    DTYPE_F8_E4M3,
    DTYPE_F8_E5M2,
    DTYPE_U8,
    DTYPE_I8,
    DTYPE_I16,
    DTYPE_I32,
    DTYPE_I64,
    DTYPE_BOOL,
    DTYPE_UNICODE,
    DTYPE_OTHER
} DType;
const char *dtype_name(DType dtype); /* "f16", "bf16" ... */

typedef struct Token {
    const char *raw;     /* as in the file, valid UTF-8 (invalid bytes escaped as \xNN) */
    const char *display; /* as people read it; see FORMATS.md */
    bool special;        /* CLS, SEP, BOS, EOS, PAD, <|...|> and the like */
    bool space_before;   /* the raw form began with a space mark */
} Token;

typedef struct Format Format; /* formats.h */

/* Progress of long work; `report` returns false to cancel. `fraction` in 0..1, or < 0 when unknown. */
typedef struct Progress {
    bool (*report)(void *user, const char *what, double fraction);
    void *user;
} Progress;

/* ---- answers of APIs that give no attention: tokens with their probabilities ------------------ */

/* A token that the model might have taken at one place. */
typedef struct StripAlternative {
    const Token *token;
    float logprob; /* natural logarithm, <= 0; -INFINITY: the file says that it cannot be */
    int32_t id;    /* -1: not given */
} StripAlternative;

/* APIs write this where a token was not among those they looked at. No probability, but surely a small one. */
#define STRIP_FLOOR_LOGPROB (-9999.0f)

typedef struct StripToken {
    const Token *token;    /* display: the whole character where its bytes are spread over several tokens */
    float logprob;         /* as above; NAN: not given (the first of a prompt, for one) */
    int32_t rank;          /* 1: the most probable; 0: not known, or beyond the alternatives */
    uint32_t first, count; /* alternatives, most probable first */
    int32_t chosen;        /* which of them it is; -1: none */
    bool floored;          /* logprob is STRIP_FLOOR_LOGPROB or below, or -INFINITY: very unlikely, not how much */
    bool continues;        /* goes on with a character, or a chunk of text, that an earlier token began */
} StripToken;

/* The tokens of one answer, or of one prompt. */
typedef struct StripInfo {
    const char *name; /* "answer", "prompt", "answer, choice 1" ... */
    const char *form; /* whose answer it looks like: "OpenAI chat", "llama.cpp" ... */
    int64_t count;
    const StripToken *tokens;
    const StripAlternative *alternatives;
    int most_alternatives;           /* of one token */
    int64_t known, missing, floored; /* how many tokens have a probability, have none, have a floor instead */
    double mean_logprob;             /* over the known; NAN where there are none */
} StripInfo;

#endif
