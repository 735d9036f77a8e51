/* Frames -> a movie or numbered pictures: names and formats, command lines of ffmpeg, the thread that encodes, and Ctrl+C.
 * One section for each .c file. Knows nothing of what is drawn. */
#ifndef ATTNSCOPE_MOVIE_MOVIE_H
#define ATTNSCOPE_MOVIE_MOVIE_H

#include "platform/platform.h"

#define MOVIE_PATH_SIZE 4096
#define MOVIE_FPS_MAX 120
#define MOVIE_SIDE_MAX 8192
#define MOVIE_LIVE_FPS 60
#define MOVIE_SWEEP_FPS 30
#define MOVIE_SENTENCE 1024

/* ---- output.c : names -> formats, and what is on disk meanwhile ----------------------- */

typedef enum MovieFormat { MOVIE_MP4, MOVIE_WEBM, MOVIE_GIF, MOVIE_WEBP, MOVIE_PNG } MovieFormat;

/* A movie is written to NAME.part and renamed when it is complete. Pictures go into their folder one by one, each
 * whole. */
typedef struct MovieOutput {
    MovieFormat format;
    char path[MOVIE_PATH_SIZE];    /* the movie, or the folder of pictures ("." for the current one) */
    char part[MOVIE_PATH_SIZE];    /* movies */
    char palette[MOVIE_PATH_SIZE]; /* movies made in two steps: between them, */
    char second[MOVIE_PATH_SIZE];  /* and what the second step writes */
    char stem[256], tail[256];     /* pictures: around the number */
    int digits;
    bool replace; /* what exists may be replaced */
    bool made_folder, reserved;
} MovieOutput;

/* "x.mp4", "x.webm", "x.gif", "x.webp", a folder, or "x-%04d.png". STATUS_USAGE for anything else. */
Status movie_output_parse(const char *path, MovieOutput *out, Error *err);
bool movie_output_is_movie(const char *path); /* by its name */
/* Would something be replaced? */
bool movie_output_exists(const MovieOutput *output);
/* Makes sure that it can be written: a folder is made, NAME.part reserved. STATUS_USAGE when it exists and must not
 * be replaced. */
Status movie_output_begin(MovieOutput *output, Error *err);
/* `from` (part or second) becomes the movie; of earlier pictures those beyond `frames` go. */
Status movie_output_commit(MovieOutput *output, const char *from, uint64_t frames, Error *err);
/* Removes what is unfinished. Whole pictures stay. */
void movie_output_abandon(MovieOutput *output);
void movie_output_picture(const MovieOutput *output, uint64_t frame, char *out, size_t out_size);
/* Pictures instead of the movie: a folder beside it, named after it, that does not exist yet. */
Status movie_output_pictures_instead(MovieOutput *output, Error *err);

/* ---- args.c : command lines of ffmpeg ------------------------------------------------- */

typedef struct MovieShape {
    int width, height, fps;
    bool live;           /* the encoder must keep up: fast, larger files */
    const char *comment; /* goes into the file; may be NULL */
} MovieShape;

#define MOVIE_ARGS_MAX 64
typedef struct MovieArgs {
    const char *argv[MOVIE_ARGS_MAX]; /* ends in NULL */
    int count;
    Arena arena;
    bool failed; /* out of memory */
} MovieArgs;
/* Raw frames on standard input -> output->part. */
void movie_args_first(MovieArgs *args, const MovieOutput *output, const MovieShape *shape);
/* part -> second, run when all frames are in: step 0, 1 ... False when there is no such step. */
bool movie_args_later(MovieArgs *args, const MovieOutput *output, const MovieShape *shape, int step);
void movie_args_free(MovieArgs *args);

/* ---- encoder.c, png.c : frames -> file, in a thread of its own ----------------- */

typedef struct MovieEncoder MovieEncoder;
typedef struct MovieEncoderParams {
    const char *path;
    bool replace;
    MovieShape shape;
    void (*wake)(void *user); /* from the thread, once it has finished or failed; may be NULL */
    void *wake_user;
} MovieEncoderParams;

typedef struct MovieSummary {
    char path[MOVIE_PATH_SIZE]; /* what was made */
    MovieFormat format;
    uint64_t frames;
    int fps, width, height;    /* of the file */
    char note[MOVIE_SENTENCE]; /* something to tell: no ffmpeg, a padded size; "" */
} MovieSummary;

/* Reserves the output and starts ffmpeg; without ffmpeg, pictures are written instead, and the note says so. */
Status movie_encoder_open(const MovieEncoderParams *params, MovieEncoder **out, Error *err);
/* A frame to fill, RGBA, top row first; NULL when all are on their way (not with `wait`) or the encoder has failed. */
uint8_t *movie_encoder_buffer(MovieEncoder *encoder, bool wait);
/* Hands a filled frame over, to be shown `times` times (0: gives it back unused). */
void movie_encoder_put(MovieEncoder *encoder, uint8_t *frame, uint64_t times);
/* Shows the frame handed over last again. */
void movie_encoder_repeat(MovieEncoder *encoder, uint64_t times);
typedef enum MovieEnd {
    MOVIE_END_ALL,     /* all frames handed over are written */
    MOVIE_END_CUT,     /* those that are not yet written are left out */
    MOVIE_END_ABANDON, /* what was written is removed */
} MovieEnd;
/* No more frames. Returns at once; the thread finishes the file. */
void movie_encoder_end(MovieEncoder *encoder, MovieEnd how);
bool movie_encoder_finished(MovieEncoder *encoder); /* or failed */
uint64_t movie_encoder_written(MovieEncoder *encoder);
size_t movie_encoder_frame_size(const MovieEncoder *encoder);
/* Waits for the thread (after _end), tells how it went and releases everything. NULL is allowed. */
Status movie_encoder_close(MovieEncoder *encoder, MovieSummary *summary, Error *err);

/* A picture as the bytes of a PNG file, fast rather than small. *bytes grows as needed and is the caller's. */
Status movie_png_encode(const uint8_t *rgba, int width, int height, uint8_t **bytes, size_t *capacity, size_t *size,
                        Error *err);

/* ---- interrupt.c : Ctrl+C ends a recording well --------------------------------------- */

/* From now on SIGINT, SIGTERM and SIGHUP set a flag, once; a second one acts as it did before. Calls nest. */
void movie_interrupt_begin(void);
void movie_interrupt_end(void);
bool movie_interrupted(void);
const CancelFlag *movie_interrupt_flag(void);

#endif
