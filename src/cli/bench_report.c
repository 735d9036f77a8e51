#include "cli/bench.h"
#include "session/recompute.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const PART_NAMES[PART_COUNT] = {"upload", "build", "paint", "submit"};

/* Share of frames, the slowest of which are looked at closely. */
#define SLOW_PCT 2

typedef struct Summary {
    double p50, p95, p99, most, cpu_p50, cpu_p99;
    double part[PART_COUNT], slow_part[PART_COUNT]; /* mean over all frames; over the slowest */
    int late, very_late;                            /* above one and two frames of 60 Hz */
} Summary;

static int by_time(const void *a, const void *b) {
    return bench_by_value(&((const FrameTime *)a)->ms, &((const FrameTime *)b)->ms);
}

static int by_cpu(const void *a, const void *b) {
    return bench_by_value(&((const FrameTime *)a)->cpu_ms, &((const FrameTime *)b)->cpu_ms);
}

static Summary summarise(const Bench *b) {
    Summary s = {0};
    qsort(b->frame, (size_t)b->frames, sizeof *b->frame, by_cpu);
    s.cpu_p50 = b->frame[(b->frames - 1) / 2].cpu_ms;
    s.cpu_p99 = b->frame[(b->frames * 99 + 99) / 100 - 1].cpu_ms;
    qsort(b->frame, (size_t)b->frames, sizeof *b->frame, by_time);
    const int slow = (int)i64_max(1, (int64_t)b->frames * SLOW_PCT / 100);
    for (int i = 0; i < b->frames; i++) {
        s.late += b->frame[i].ms > 16.7;
        s.very_late += b->frame[i].ms > 33;
        for (int p = 0; p < PART_COUNT; p++) {
            s.part[p] += b->frame[i].part[p] / b->frames;
            if (i >= b->frames - slow) s.slow_part[p] += b->frame[i].part[p] / slow;
        }
    }
    const struct { double q, *out; } WANTED[] = {{50, &s.p50}, {95, &s.p95}, {99, &s.p99}, {100, &s.most}};
    for (size_t i = 0; i < BASE_COUNT(WANTED); i++) {
        const int at = (int)i64_clamp((int64_t)(WANTED[i].q / 100 * b->frames + 0.999999) - 1, 0, b->frames - 1);
        *WANTED[i].out = b->frame[at].ms;
    }
    return s;
}

static void memory_mb(double *anonymous, double *file) {
    char *text = NULL;
    size_t size;
    *anonymous = *file = 0;
    if (file_read_all("/proc/self/status", 65536, &text, &size, NULL) != STATUS_OK) return;
    const char *names[] = {"RssAnon:", "RssShmem:", "RssFile:"};
    for (int i = 0; i < 3; i++) {
        const char *at = strstr(text, names[i]);
        if (at) *(i == 2 ? file : anonymous) += strtod(at + strlen(names[i]), NULL) / 1024;
    }
    mem_free(text);
}

static void append_parts(TextBuffer *out, const char *name, const double *part) {
    text_appendf(out, "\"%s\":{", name);
    for (int p = 0; p < PART_COUNT; p++)
        text_appendf(out, "%s\"%s\":%.3f", p ? "," : "", PART_NAMES[p], part[p]);
    text_append(out, "},");
}

static void print_json(const Bench *b, const char *tour, const Summary *s) {
    const App *app = b->app;
    const SetInfo *set = capture_set(app_capture(app), app->look.subject.set);
    const GpuStats gpu = gpu_stats(app->machine.gpu);
    const SchedulerStats jobs = tiles_scheduler_stats(app->machine.scheduler);
    const BenchFloors *floors = &b->floors;
    double rss, rss_file;
    TextBuffer out = {0};
    memory_mb(&rss, &rss_file);
    text_append(&out, "{\"renderer\":");
    text_append_json(&out, gpu_info(app->machine.gpu)->renderer);
    text_appendf(
        &out,
        ",\"tour\":\"%s\",\"size\":[%d,%d],\"tokens\":%lld,\"layers\":%d,\"heads\":%d,\"factored\":%s,\"frames\":%d,",
        tour, b->params.width, b->params.height, (long long)b->keys, set->layer_count, set->max_heads,
        set->factored ? "true" : "false", b->frames);
    text_appendf(&out, "\"frame_ms\":{\"p50\":%.3f,\"p95\":%.3f,\"p99\":%.3f,\"max\":%.3f},", s->p50, s->p95, s->p99,
                 s->most);
    text_appendf(&out, "\"frames_above_16_7\":%d,\"frames_above_33\":%d,", s->late, s->very_late);
    text_appendf(&out, "\"frame_cpu_ms\":{\"p50\":%.3f,\"p99\":%.3f},", s->cpu_p50, s->cpu_p99);
    append_parts(&out, "parts_ms", s->part);
    append_parts(&out, "slow_parts_ms", s->slow_part);
    text_appendf(&out, "\"first_picture_ms\":%.1f,\"time_to_exact_ms\":", b->first_picture_ms);
    text_append_json_f64(&out, b->time_to_exact_ms);
    text_append(&out, ",\"time_to_settled_ms\":");
    text_append_json_f64(&out, b->time_to_settled_ms);
    text_appendf(&out, ",\"layer_switch_ms\":{\"p50\":%.3f,\"p99\":%.3f},\"switch_right_pct\":%.1f,", b->switch_p50,
                 b->switch_p99, b->switch_right_pct);
    text_appendf(&out,
                 "\"coarse_frames_pct\":%.1f,\"allocations_per_frame\":%.2f,\"rss_mb\":%.1f,\"rss_file_mb\":%.1f,\"gpu_"
                 "mb\":%.1f,\"uploads_mb\":%.1f,",
                 100.0 * b->coarse / b->frames, (double)b->allocations / b->frames, rss, rss_file,
                 (double)gpu.tile_bytes / 1048576, (double)gpu.upload_bytes / 1048576);
    text_appendf(&out,
                 "\"base_side\":%d,\"gpu\":{\"budget_mb\":%.0f,\"hits\":%llu,\"misses\":%llu,\"evictions\":%llu,"
                 "\"composes\":%llu},",
                 app->machine.base_side, (double)gpu_info(app->machine.gpu)->tile_budget / 1048576,
                 (unsigned long long)gpu.hits, (unsigned long long)gpu.misses, (unsigned long long)gpu.evictions,
                 (unsigned long long)gpu.composes);
    text_appendf(&out,
                 "\"ram\":{\"mb\":%.1f,\"hits\":%llu,\"misses\":%llu,\"evictions\":%llu},\"jobs\":{\"done\":%llu,"
                 "\"cancelled\":%llu,\"failed\":%llu}",
                 (double)jobs.cache_bytes / 1048576, (unsigned long long)jobs.cache_hits,
                 (unsigned long long)jobs.cache_misses, (unsigned long long)jobs.cache_evictions,
                 (unsigned long long)jobs.jobs_done, (unsigned long long)jobs.jobs_cancelled,
                 (unsigned long long)jobs.jobs_failed);
    text_append(&out, ",");
    recompute_json(app, &out);
    text_append(&out, ",\"overviews_ms\":");
    text_append_json_f64(&out, b->overviews_ms);
    if (app->opened.captures[0].disk) {
        const DiskStats disk = tiles_disk_stats(app->opened.captures[0].disk);
        text_appendf(&out, ",\"disk\":{\"hits\":%llu,\"misses\":%llu,\"stored\":%llu,\"damaged\":%llu}",
                     (unsigned long long)disk.hits, (unsigned long long)disk.misses, (unsigned long long)disk.stored,
                     (unsigned long long)disk.damaged);
    }
    if (b->with_floors) {
        text_appendf(&out,
                     ",\"floors\":{\"clear_ms\":%.3f,\"one_fetch_ms\":%.3f,\"memcpy_gbs\":%.2f,\"read_gbs\":%.2f,"
                     "\"fresh_gbs\":%.2f,\"p50_per_one_fetch\":%.2f}",
                     floors->clear_ms, floors->one_fetch_ms, floors->memcpy_gbs, floors->read_gbs, floors->fresh_gbs,
                     floors->one_fetch_ms > 0 ? s->p50 / floors->one_fetch_ms : 0.0);
    }
    text_append(&out, "}");
    puts(out.text ? out.text : "{}");
    text_buffer_free(&out);
}

static void print_text(const Bench *b, const char *tour, const Summary *s) {
    const App *app = b->app;
    const SetInfo *set = capture_set(app_capture(app), app->look.subject.set);
    const GpuStats gpu = gpu_stats(app->machine.gpu);
    const SchedulerStats jobs = tiles_scheduler_stats(app->machine.scheduler);
    double rss, rss_file;
    memory_mb(&rss, &rss_file);
    printf("%s, %d x %d\n%lld tokens, %d layers x %d heads, %s, tour %s, %d frames\n",
           gpu_info(app->machine.gpu)->renderer, b->params.width, b->params.height, (long long)b->keys,
           set->layer_count, set->max_heads, set->factored ? "factored" : "dense", tour, b->frames);
    printf("frame         p50 %7.2f   p95 %7.2f   p99 %7.2f   max %7.2f ms;  %d above 16.7, %d above 33\n", s->p50,
           s->p95, s->p99, s->most, s->late, s->very_late);
    printf("  CPU time    p50 %7.2f   p99 %7.2f ms, of all threads\n", s->cpu_p50, s->cpu_p99);
    for (int slow = 0; slow < 2; slow++) {
        printf(slow ? "  slowest     " : "  mean        ");
        for (int p = 0; p < PART_COUNT; p++)
            printf("%s %.2f   ", PART_NAMES[p], slow ? s->slow_part[p] : s->part[p]);
        printf("ms\n");
    }
    printf("layer switch  p50 %7.2f   p99 %7.2f ms, %.0f %% with the right picture in the same frame\n", b->switch_p50,
           b->switch_p99, b->switch_right_pct);
    char exact[64] = "not exact in time", overviews[64] = "not in time";
    if (!isnan(b->time_to_exact_ms)) snprintf(exact, sizeof exact, "exact %.0f ms", b->time_to_exact_ms);
    if (!isnan(b->overviews_ms)) snprintf(overviews, sizeof overviews, "%.0f ms after that", b->overviews_ms);
    printf("first picture %.0f ms, %s after the hand rests, %.1f %% coarse frames; overviews of all layers %s\n",
           b->first_picture_ms, exact, 100.0 * b->coarse / b->frames, overviews);
    printf("memory        %.0f MB (+ %.0f MB of files), GPU tiles %.1f of %.0f MB, RAM tiles %.1f MB, %.2f allocations "
           "a frame\n",
           rss, rss_file, (double)gpu.tile_bytes / 1048576, (double)gpu_info(app->machine.gpu)->tile_budget / 1048576,
           (double)jobs.cache_bytes / 1048576, (double)b->allocations / b->frames);
    printf("work          uploads %.1f MB, %llu composed, %llu evicted; jobs %llu done, %llu cancelled; base tiles of "
           "side %d\n",
           (double)gpu.upload_bytes / 1048576, (unsigned long long)gpu.composes, (unsigned long long)gpu.evictions,
           (unsigned long long)jobs.jobs_done, (unsigned long long)jobs.jobs_cancelled, app->machine.base_side);
    char recompute[200];
    recompute_describe(app, recompute, sizeof recompute);
    if (set->factored) printf("products      %s\n", recompute);
    if (app->opened.captures[0].disk) {
        const DiskStats disk = tiles_disk_stats(app->opened.captures[0].disk);
        printf("disk cache    %llu read, %llu written%s%s\n", (unsigned long long)disk.hits,
               (unsigned long long)disk.stored, disk.stopped ? "; nothing more is written: " : "", disk.reason);
    }
    if (!b->with_floors) return;
    printf("floors        clear %.2f ms, one fetch a pixel %.2f ms, memcpy %.1f GB/s, page cache %.1f GB/s, fresh "
           "memory %.1f GB/s;  p50 is %.1f x one fetch\n",
           b->floors.clear_ms, b->floors.one_fetch_ms, b->floors.memcpy_gbs, b->floors.read_gbs, b->floors.fresh_gbs,
           b->floors.one_fetch_ms > 0 ? s->p50 / b->floors.one_fetch_ms : 0.0);
}

void bench_report(const Bench *b, const char *tour, bool json) {
    const Summary summary = summarise(b);
    (json ? print_json : print_text)(b, tour, &summary);
}
