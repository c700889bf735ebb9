// Minimises a function that Python declared, by Newton's method: each direction solves H d = -g by conjugate
// gradients with Hessian-vector products (Nocedal and Wright, Numerical Optimization, algorithm 7.1), each
// step halves until the value falls.
//   minimize objective.gcp UNKNOWNS
#include <graphc/graphc.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace {

using Vector = std::vector<double>;

double dot(const Vector& a, const Vector& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

void add(Vector& a, double scale, const Vector& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] += scale * b[i];
}

class Objective {
 public:
  explicit Objective(graphc::Package& package)
      : evaluate_(package.program("evaluate")), curvature_(package.program("curvature")) {}

  double evaluate(const Vector& x, Vector& gradient) {
    const std::int64_t n = static_cast<std::int64_t>(x.size());
    double value = 0;
    evaluate_.run({graphc::view(x.data(), {n})},
                  {graphc::view(&value, {}), graphc::view(gradient.data(), {n})});
    return value;
  }

  void curvature(const Vector& x, const Vector& v, Vector& product) {
    const std::int64_t n = static_cast<std::int64_t>(x.size());
    curvature_.run({graphc::view(x.data(), {n}), graphc::view(v.data(), {n})},
                   {graphc::view(product.data(), {n})});
  }

 private:
  graphc::Program evaluate_, curvature_;
};

Vector newton_direction(Objective& objective, const Vector& x, const Vector& gradient) {
  Vector direction(x.size()), residual = gradient, search(x.size()), product(x.size());
  add(search, -1, gradient);
  double norm = dot(residual, residual);
  const double enough = norm * std::min(0.25, std::sqrt(norm));
  for (std::size_t i = 0; i < 2 * x.size() && norm > enough; ++i) {
    objective.curvature(x, search, product);
    const double curvature = dot(search, product);
    if (curvature <= 0) {  // not convex here: go down the slope
      if (i == 0) direction = search;
      break;
    }
    const double step = norm / curvature;
    add(direction, step, search);
    add(residual, step, product);
    const double next = dot(residual, residual);
    for (std::size_t j = 0; j < search.size(); ++j) search[j] = -residual[j] + next / norm * search[j];
    norm = next;
  }
  return direction;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return std::fprintf(stderr, "usage: %s PACKAGE UNKNOWNS\n", argv[0]), 2;
  try {
    graphc::Package package = graphc::Package::load(argv[1]);
    Objective objective(package);
    Vector x(std::strtoul(argv[2], nullptr, 10)), gradient(x.size()), moved_gradient(x.size());
    double value = objective.evaluate(x, gradient);
    int iteration = 0;
    for (; iteration < 200 && dot(gradient, gradient) > 1e-16; ++iteration) {
      const Vector direction = newton_direction(objective, x, gradient);
      const double slope = dot(direction, gradient);
      for (double step = 1; step > 1e-12; step /= 2) {
        Vector moved = x;
        add(moved, step, direction);
        const double moved_value = objective.evaluate(moved, moved_gradient);
        if (moved_value > value + 1e-4 * step * slope) continue;
        x = moved;
        gradient = moved_gradient;
        value = moved_value;
        break;
      }
      std::printf("iteration %d value %.17g\n", iteration + 1, value);
    }
    std::printf("x[0] %.17g x[%zu] %.17g after %d iterations\n", x.front(), x.size() - 1, x.back(),
                iteration);
  } catch (const graphc::Error& error) {
    return std::fprintf(stderr, "%s\n", error.what()), 1;
  }
}
