#include "test_movie.h"

int main(void) {
    int failed = 0;
    failed += test_output_group();
    failed += test_args_group();
    failed += test_encoder_group();
    return failed ? 1 : 0;
}
