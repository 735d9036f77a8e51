/* Groups of tests of ui/, one a file. Each returns how many failed. */
#ifndef TEST_UI_H
#define TEST_UI_H

int test_layout_group(void);
int test_controls_group(void);
int test_column_group(void);

#endif
