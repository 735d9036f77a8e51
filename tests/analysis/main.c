#include "test_analysis.h"

int main(void) {
    int failed = 0;
    failed += test_statistics_group();
    failed += test_run_group();
    return failed ? 1 : 0;
}
