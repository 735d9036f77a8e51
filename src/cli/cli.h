/* The verbs of the command line. argv[0] is the first argument after the verb. Each returns the exit code. */
#ifndef ATTNSCOPE_CLI_CLI_H
#define ATTNSCOPE_CLI_CLI_H

int cli_main(int argc, char **argv); /* everything; argv[0] is the program */
int cli_info(int argc, char **argv);
int cli_probe(int argc, char **argv);
int cli_stats(int argc, char **argv);
int cli_render(int argc, char **argv);
int cli_convert(int argc, char **argv);
int cli_demo(int argc, char **argv);
int cli_record(int argc, char **argv);
int cli_bench(int argc, char **argv);
int cli_synth(int argc, char **argv);

#endif
