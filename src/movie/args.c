/* Command lines of ffmpeg.
 *
 *   .mp4   H.264 in fragments, so that what was written so far plays whatever happens; then packed anew without
 *          fragments and with its index first, which is what slide programs and browsers like
 *   .webm  VP9
 *   .gif   lossless H.264 first, since a palette for the whole movie is known only at its end; a palette for each
 *          frame would make files ten times the size (measured), and holding all frames in memory would not do
 *   .webp  the same, since its encoder is too slow to wait for
 *
 * Frames come as rgb0: the alpha of the framebuffer means nothing. Colours are converted by BT.709, and the file
 * says so; the transfer function is that of sRGB. There are no B-frames: the first frame is at time 0 and cuts are
 * exact. */
#include "movie/movie.h"

#include <stdlib.h>
#include <string.h>

#define FRAGMENT_S 2
#define LIVE_FRAGMENT_S 1
/* The least delay between frames of a GIF that browsers honour is 2 / 100 s. */
#define GIF_FPS_MAX 50

static void add(MovieArgs *args, const char *argument) {
    if (!argument || args->count + 1 >= MOVIE_ARGS_MAX) {
        args->failed = true;
        return;
    }
    args->argv[args->count++] = argument;
    args->argv[args->count] = NULL;
}

static void add_all(MovieArgs *args, const char *const *list) {
    for (; *list; list++)
        add(args, *list);
}
#define ADD(args, ...) add_all(args, (const char *const[]){__VA_ARGS__, NULL})

/* $ATTNSCOPE_FFMPEG or "ffmpeg". */
static const char *ffmpeg_program(void) {
    const char *program = getenv("ATTNSCOPE_FFMPEG");
    return program && program[0] ? program : "ffmpeg";
}

/* "file:" keeps names with colons from being taken for addresses, and names with a dash for options. */
static const char *file_name(MovieArgs *args, const char *path) {
    return arena_format(&args->arena, "file:%s", path);
}

static void start(MovieArgs *args) {
    memset(args, 0, sizeof *args);
    ADD(args, ffmpeg_program(), "-hide_banner", "-nostdin", "-loglevel", "error", "-y");
}

static void add_h264(MovieArgs *args, const MovieShape *shape) {
    const int group = shape->fps * (shape->live ? LIVE_FRAGMENT_S : FRAGMENT_S);
    /* H.264 in 4:2:0, the only form that plays everywhere, has even sizes. */
    ADD(args, "-vf",
        "pad=ceil(iw/2)*2:ceil(ih/2)*2,scale=out_color_matrix=bt709:out_range=tv:flags=accurate_rnd,format=yuv420p");
    ADD(args, "-c:v", "libx264", "-preset", shape->live ? "ultrafast" : "veryfast", "-crf", shape->live ? "18" : "14",
        "-bf", "0");
    ADD(args, "-g", arena_format(&args->arena, "%d", group), "-colorspace", "bt709", "-color_primaries", "bt709");
    ADD(args, "-color_trc", "iec61966-2-1", "-color_range", "tv", "-movflags",
        "+frag_keyframe+empty_moov+default_base_moof", "-f", "mp4");
}

static void add_vp9(MovieArgs *args, const MovieShape *shape) {
    const int group = shape->fps * FRAGMENT_S;
    ADD(args, "-vf", "scale=out_color_matrix=bt709:out_range=tv:flags=accurate_rnd,format=yuv420p", "-c:v",
        "libvpx-vp9", "-row-mt", "1");
    ADD(args, "-deadline", shape->live ? "realtime" : "good", "-cpu-used", shape->live ? "8" : "4", "-crf",
        shape->live ? "24" : "18", "-b:v", "0");
    ADD(args, "-g", arena_format(&args->arena, "%d", group), "-colorspace", "bt709", "-color_primaries", "bt709");
    ADD(args, "-color_trc", "iec61966-2-1", "-color_range", "tv", "-f", "webm");
}

void movie_args_first(MovieArgs *args, const MovieOutput *output, const MovieShape *shape) {
    start(args);
    ADD(args, "-f", "rawvideo", "-pixel_format", "rgb0", "-video_size",
        arena_format(&args->arena, "%dx%d", shape->width, shape->height));
    ADD(args, "-framerate", arena_format(&args->arena, "%d", shape->fps), "-i", "pipe:0", "-an");
    if (shape->comment && output->format != MOVIE_GIF && output->format != MOVIE_WEBP) {
        ADD(args, "-metadata", arena_format(&args->arena, "comment=%s", shape->comment));
    }
    switch (output->format) {
    case MOVIE_MP4:
        add_h264(args, shape);
        break;
    case MOVIE_WEBM:
        add_vp9(args, shape);
        break;
    default:
        ADD(args, "-c:v", "libx264rgb", "-preset", "ultrafast", "-qp", "0", "-bf", "0", "-f", "matroska");
        break;
    }
    add(args, file_name(args, output->part));
}

bool movie_args_later(MovieArgs *args, const MovieOutput *output, const MovieShape *shape, int step) {
    start(args);
    const char *from = file_name(args, output->part), *to = file_name(args, output->second);
    if (output->format == MOVIE_MP4 && step == 0) {
        ADD(args, "-i", from, "-map", "0", "-c", "copy", "-movflags", "+faststart", "-f", "mp4", to);
    } else if (output->format == MOVIE_GIF && step == 0) {
        ADD(args, "-i", from, "-vf", "palettegen=stats_mode=full", "-frames:v", "1", "-c:v", "png", "-f", "image2pipe",
            file_name(args, output->palette));
    } else if (output->format == MOVIE_GIF && step == 1) {
        const char *filter = shape->fps > GIF_FPS_MAX ? "fps=50[v];[v][1:v]paletteuse=dither=none"
                                                      : "[0:v][1:v]paletteuse=dither=none";
        ADD(args, "-i", from, "-i", file_name(args, output->palette), "-lavfi", filter, "-loop", "0", "-f", "gif", to);
    } else if (output->format == MOVIE_WEBP && step == 0) {
        ADD(args, "-i", from, "-c:v", "libwebp_anim", "-lossless", "0", "-q:v", "85", "-compression_level", "3",
            "-loop", "0", "-f", "webp", to);
    } else {
        movie_args_free(args);
        return false;
    }
    return true;
}

void movie_args_free(MovieArgs *args) {
    arena_free(&args->arena);
    memset(args, 0, sizeof *args);
}
