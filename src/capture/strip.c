/* What is asked of strips once they are read. */
#include "capture/internal.h"

int capture_strip_count(const Capture *capture) {
    return capture->strip_count;
}

const StripInfo *capture_strip(const Capture *capture, int strip) {
    return capture->strips[strip];
}

Status capture_strips_gather(Capture *capture, Error *err) {
    size_t count = 0;
    for (size_t i = 0; i < capture->container_count; i++)
        count += (size_t)capture->containers[i].strip_count;
    if (count == 0) return STATUS_OK;
    capture->strips = arena_alloc(&capture->arena, count * sizeof(*capture->strips));
    if (!capture->strips) return error_set(err, STATUS_MEMORY, "not enough memory to open the capture");
    for (size_t i = 0; i < capture->container_count; i++)
        for (int s = 0; s < capture->containers[i].strip_count; s++)
            capture->strips[capture->strip_count++] = &capture->containers[i].strips[s];
    return STATUS_OK;
}

bool capture_strips_only(const Capture *capture) {
    size_t tensors = 0;
    for (size_t i = 0; i < capture->container_count; i++)
        tensors += capture->containers[i].tensor_count;
    return capture->strip_count > 0 && tensors == 0;
}

static void count_in(StripFigures *figures, double *sum, float logprob) {
    const double p = exp((double)logprob);
    figures->listed++;
    figures->mass += p;
    *sum -= p > 0 ? p * (double)logprob : 0;
}

StripFigures capture_strip_figures(const StripInfo *strip, int64_t position) {
    const StripToken *token = &strip->tokens[position];
    StripFigures figures = {.entropy_least = (double)NAN, .entropy_top = (double)NAN};
    double sum = 0; /* of -p ln p */
    for (uint32_t i = 0; i < token->count; i++) {
        const float logprob = strip->alternatives[token->first + i].logprob;
        if (!isnan(logprob)) count_in(&figures, &sum, logprob);
    }
    if (token->chosen < 0 && !isnan(token->logprob)) count_in(&figures, &sum, token->logprob);
    figures.other = fmax(0, 1 - figures.mass);
    if (token->count == 0 || figures.mass <= 0) return figures;
    /* H >= h(listed, rest as one) because splitting the rest can only add to it. */
    figures.entropy_least = fmax(0, sum - (figures.other > 0 ? figures.other * log(figures.other) : 0));
    /* -sum (p/m) ln (p/m) = sum/m + ln m */
    figures.entropy_top = fmax(0, sum / figures.mass + log(figures.mass));
    return figures;
}

double capture_strip_perplexity(const StripInfo *strip, int64_t from, int64_t to, int64_t *known) {
    double sum = 0;
    *known = 0;
    for (int64_t i = from; i < to; i++) {
        if (isnan(strip->tokens[i].logprob) || strip->tokens[i].floored) continue;
        sum += (double)strip->tokens[i].logprob;
        ++*known;
    }
    return *known > 0 ? exp(-sum / (double)*known) : (double)NAN;
}
