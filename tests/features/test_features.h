/* Groups of tests of features/, one a file. Each returns how many failed. */
#ifndef TEST_FEATURES_H
#define TEST_FEATURES_H

int test_pins_group(void);
int test_parts_group(void);
int test_record_group(void);
int test_tours_group(void);

#endif
