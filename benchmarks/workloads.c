/* The workloads in C, as an expert writes them: no checks, no allocation inside the loop over rows.
 *
 * Built by benchmarks/peers.py with `zig cc -O3 -march=native`. Without -ffast-math, and without
 * contracting products and sums, so that the values are those of the programs. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#pragma STDC FP_CONTRACT OFF

static double near(int p) { return 1.0 - (abs(p / 7 - 3) + abs(p % 7 - 6)) / 12.0; }

void w1(const uint8_t *restrict image, double *restrict out, int64_t rows) {
  for (int64_t b = 0; b < rows; b++, image += 147) {
    int key = -1, door = -1, goal = -1, open = 0;
    for (int p = 0; p < 49; p++) {
      uint8_t object = image[3 * p];
      if (object < 4) continue;
      if (object == 5) {
        key = p;
      } else if (object == 4) {
        door = p;
        open = image[3 * p + 2] == 0;
      } else if (object == 8) {
        goal = p;
      }
    }
    double total = 0.0;
    if (goal >= 0) total += near(goal);
    if (key >= 0) total += 0.1 * near(key);
    if (door >= 0) total += open ? 0.3 : 0.05 * near(door);
    out[b] = total;
  }
}

void w1np(const uint8_t *restrict image, double *restrict out, int64_t rows) {
  for (int64_t b = 0; b < rows; b++, image += 147) {
    int key = -1, door = -1, goal = -1, open = 0;
    for (int p = 0; p < 49; p++) {
      uint8_t object = image[3 * p];
      if (object < 4) continue;
      if (object == 5) {
        if (key < 0) key = p;
      } else if (object == 4) {
        if (door < 0) door = p;
        open |= image[3 * p + 2] == 0;
      } else if (object == 8) {
        if (goal < 0) goal = p;
      }
    }
    double total = 0.0;
    if (goal >= 0) total += near(goal);
    if (key >= 0) total += 0.1 * near(key);
    if (door >= 0) total += open ? 0.3 : 0.05 * near(door);
    out[b] = total;
  }
}

static void w2(const uint8_t *restrict image, double *restrict out, int64_t rows, int side) {
  for (int64_t b = 0; b < rows; b++) {
    int32_t count = 0;
    int64_t sum_y = 0, sum_x = 0;
    for (int y = 0; y < side; y++, image += 3 * side) {
      int32_t row_count = 0, row_x = 0;
      for (int x = 0; x < side; x++) {
        int32_t red = (image[3 * x] > 200) & (image[3 * x + 1] < 80) & (image[3 * x + 2] < 80);
        row_count += red;
        row_x += red * x;
      }
      count += row_count;
      sum_x += row_x;
      sum_y += (int64_t)row_count * y;
    }
    if (!count) {
      out[b] = -1.0;
      continue;
    }
    double cy = (double)sum_y / count / side - 0.5, cx = (double)sum_x / count / side - 0.5;
    out[b] = 1.0 - sqrt(cy * cy + cx * cx);
  }
}

void w2_56(const uint8_t *restrict image, double *restrict out, int64_t rows) {
  w2(image, out, rows, 56);
}

void w2_160(const uint8_t *restrict image, double *restrict out, int64_t rows) {
  w2(image, out, rows, 160);
}

void w3(const double *restrict observation, const double *restrict achieved,
        const double *restrict desired, double *restrict out, int64_t rows) {
  for (int64_t b = 0; b < rows; b++, observation += 18, achieved += 3, desired += 3) {
    double d2 = 0.0, r2 = 0.0, v = 0.0;
    for (int k = 0; k < 3; k++) {
      double e = achieved[k] - desired[k], f = observation[k] - achieved[k];
      d2 += e * e;
      r2 += f * f;
      v += fabs(observation[3 + k]);
    }
    double dist = sqrt(d2), lift = achieved[2] - 0.02;
    out[b] = 0.3 * exp(-5.0 * sqrt(r2)) + exp(-10.0 * dist) + 0.5 * (lift > 0.0 ? lift : 0.0) -
             0.01 * v + (dist < 0.05 ? 1.0 : 0.0);
  }
}

void w4(const double *restrict achieved, const double *restrict desired, double *restrict state,
        double *restrict out, int64_t rows) {
  for (int64_t b = 0; b < rows; b++, achieved += 3, desired += 3, state += 4) {
    double d2 = 0.0, total = 0.0;
    for (int k = 0; k < 3; k++) {
      double e = achieved[k] - desired[k];
      d2 += e * e;
    }
    double dist = sqrt(d2);
    if (state[2] > 0.5) {
      total += 10.0 * (state[0] - dist);
      if (dist < state[1]) {
        total += 0.1;
        state[1] = dist;
      }
    } else {
      state[2] = 1.0;
      state[1] = dist;
    }
    if (achieved[2] > 0.05 && state[3] < 0.5) {
      state[3] = 1.0;
      total += 1.0;
    }
    state[0] = dist;
    out[b] = total;
  }
}

#define HIGH 160
#define WIDE 320

void w5(const float *restrict depth, const float *restrict color, double *restrict out,
        int64_t rows) {
  static const int moves[4][2] = {{0, 1}, {0, -1}, {1, 0}, {-1, 0}};
  /* A border of what is not red saves the tests of the edges. */
  uint8_t(*open)[WIDE + 2] = malloc((HIGH + 2) * (WIDE + 2));
  int32_t *stack = malloc(sizeof(int32_t) * HIGH * WIDE);
  for (int64_t b = 0; b < rows; b++, depth += HIGH * WIDE, color += 3 * HIGH * WIDE) {
    memset(open, 0, (HIGH + 2) * (WIDE + 2));
    for (int y = 0; y < HIGH; y++)
      for (int x = 0; x < WIDE; x++) {
        const float *pixel = color + 3 * (y * WIDE + x);
        open[y + 1][x + 1] = (pixel[0] > 0.6f) & (pixel[1] < 0.3f) & (depth[y * WIDE + x] > 0.03f);
      }
    int n = 0, best = 0;
    for (int y = 1; y <= HIGH; y++)
      for (int x = 1; x <= WIDE; x++) {
        if (!open[y][x]) continue;
        int area = 0, top = 0;
        n++;
        stack[top++] = y * (WIDE + 2) + x;
        open[y][x] = 0;
        while (top) {
          int at = stack[--top], cy = at / (WIDE + 2), cx = at % (WIDE + 2);
          area++;
          for (int k = 0; k < 4; k++) {
            int ny = cy + moves[k][0], nx = cx + moves[k][1];
            if (open[ny][nx]) {
              open[ny][nx] = 0;
              stack[top++] = ny * (WIDE + 2) + nx;
            }
          }
        }
        if (area > best) best = area;
      }
    out[b] = (double)best / (HIGH * WIDE) + 0.01 * n;
  }
  free(open);
  free(stack);
}

uint64_t read_all(const uint64_t *restrict words, int64_t count) {
  uint64_t sum = 0;
  for (int64_t i = 0; i < count; i++) sum += words[i];
  return sum;
}
