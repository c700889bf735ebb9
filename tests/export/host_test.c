/* The C interface, compiled as C: loads the package of test_host.py and runs `predict`. */
#include <graphc/graphc.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char** argv) {
  graphc_package* package = NULL;
  graphc_program* program = NULL;
  graphc_error error;
  graphc_port port;
  float x[8] = {0}, y[6] = {0};
  graphc_view input = {x, GRAPHC_FLOAT32, 2, {2, 4}, {4, 1}};
  graphc_view output = {y, GRAPHC_FLOAT32, 2, {2, 3}, {3, 1}};
  if (argc != 2 || graphc_load(argv[1], NULL, &package, &error) != GRAPHC_OK) return 1;
  if (graphc_program_create(package, "predict", NULL, &program, &error) != GRAPHC_OK) return 2;
  if (graphc_input_port(program, 0, &port) != GRAPHC_OK || strcmp(port.name, "x") != 0) return 3;
  if (graphc_input_port(program, 1, &port) != GRAPHC_ARGUMENT) return 4;
  if (graphc_run(program, &input, 1, &output, 1, &error) != GRAPHC_OK) return 5;
  if (y[0] + y[1] + y[2] < 0.999f || y[0] + y[1] + y[2] > 1.001f) return 6;
  output.shape[0] = 3;
  if (graphc_run(program, &input, 1, &output, 1, &error) != GRAPHC_ARGUMENT) return 7;
  if (strstr(error.message, "output out: expected shape [2, 3], got [3, 3]") == NULL) return 8;
  if (graphc_run(program, &input, 1, &output, 1, NULL) != GRAPHC_ARGUMENT) return 9;
  if (graphc_load(argv[1], NULL, NULL, &error) != GRAPHC_ARGUMENT) return 10;
  graphc_package_free(package);
  graphc_program_free(program); /* outlives its package */
  puts("ok");
  return 0;
}
