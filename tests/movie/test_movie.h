/* Groups of tests of movie/, one a file. Each returns how many failed. */
#ifndef TEST_MOVIE_H
#define TEST_MOVIE_H

int test_output_group(void);
int test_encoder_group(void);
int test_args_group(void);

#endif
