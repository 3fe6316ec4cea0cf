// The matrices of F(2, 3) and F(4, 3) (Lavin and Gray 2016), which interpolate at 0, 1, -1 and
// infinity, and at 2 and -2 as well. Sums that several results share are made once.

#include "lib/Conversion/AIToLinalg/WinogradTransforms.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace ai;

using Values = SmallVector<Value>;

namespace {
/// Arithmetic that reads like the formulas.
struct Term {
  ImplicitLocOpBuilder &b;
  Value value;
};
} // namespace

static Term operator+(Term x, Term y) { return {x.b, scalar::add(x.b, x.value, y.value)}; }
static Term operator-(Term x, Term y) { return {x.b, scalar::sub(x.b, x.value, y.value)}; }
static Term operator*(double factor, Term x) {
  return {x.b, scalar::mul(x.b, x.value, scalar::constantLike(x.b, x.value, factor))};
}

static SmallVector<Term> termsOf(ImplicitLocOpBuilder &b, ValueRange x) {
  return llvm::map_to_vector(x, [&](Value value) { return Term{b, value}; });
}

static Values valuesOf(std::initializer_list<Term> terms) {
  return llvm::map_to_vector(terms, [](const Term &term) { return term.value; });
}

//===----------------------------------------------------------------------===//
// F(2, 3)
//===----------------------------------------------------------------------===//

static Values transformInput2(ImplicitLocOpBuilder &b, ValueRange x) {
  SmallVector<Term> d = termsOf(b, x);
  return valuesOf({d[0] - d[2], d[1] + d[2], d[2] - d[1], d[1] - d[3]});
}

static Values transformKernel2(ImplicitLocOpBuilder &b, ValueRange x) {
  SmallVector<Term> g = termsOf(b, x);
  Term ends = g[0] + g[2];
  return valuesOf({g[0], 0.5 * (ends + g[1]), 0.5 * (ends - g[1]), g[2]});
}

static Values transformOutput2(ImplicitLocOpBuilder &b, ValueRange x) {
  SmallVector<Term> m = termsOf(b, x);
  return valuesOf({m[0] + m[1] + m[2], m[1] - m[2] - m[3]});
}

static Values transformCotangent2(ImplicitLocOpBuilder &b, ValueRange x) {
  SmallVector<Term> y = termsOf(b, x);
  return valuesOf({y[0], y[0] + y[1], y[0] - y[1], -1 * y[1]});
}

static Values transformGradient2(ImplicitLocOpBuilder &b, ValueRange x) {
  SmallVector<Term> m = termsOf(b, x);
  Term half = 0.5 * (m[1] + m[2]);
  return valuesOf({m[0] + half, 0.5 * (m[1] - m[2]), half + m[3]});
}

//===----------------------------------------------------------------------===//
// F(4, 3)
//===----------------------------------------------------------------------===//

static Values transformInput4(ImplicitLocOpBuilder &b, ValueRange x) {
  SmallVector<Term> d = termsOf(b, x);
  Term even = d[4] - 4 * d[2], odd = d[3] - 4 * d[1], near = d[4] - d[2], far = d[3] - d[1];
  return valuesOf({4 * d[0] - 5 * d[2] + d[4], even + odd, even - odd, near + 2 * far,
                   near - 2 * far, 4 * d[1] - 5 * d[3] + d[5]});
}

static Values transformKernel4(ImplicitLocOpBuilder &b, ValueRange x) {
  SmallVector<Term> g = termsOf(b, x);
  Term ends = -1.0 / 6 * (g[0] + g[2]), middle = 1.0 / 6 * g[1];
  Term weighted = 1.0 / 24 * g[0] + 1.0 / 6 * g[2], half = 1.0 / 12 * g[1];
  return valuesOf(
      {0.25 * g[0], ends - middle, ends + middle, weighted + half, weighted - half, g[2]});
}

static Values transformOutput4(ImplicitLocOpBuilder &b, ValueRange x) {
  SmallVector<Term> m = termsOf(b, x);
  Term sum = m[1] + m[2], difference = m[1] - m[2];
  Term sum2 = m[3] + m[4], difference2 = m[3] - m[4];
  return valuesOf({m[0] + sum + sum2, difference + 2 * difference2, sum + 4 * sum2,
                   difference + 8 * difference2 + m[5]});
}

static Values transformCotangent4(ImplicitLocOpBuilder &b, ValueRange x) {
  SmallVector<Term> y = termsOf(b, x);
  Term even = y[0] + y[2], odd = y[1] + y[3];
  Term even2 = y[0] + 4 * y[2], odd2 = 2 * y[1] + 8 * y[3];
  return valuesOf({y[0], even + odd, even - odd, even2 + odd2, even2 - odd2, y[3]});
}

static Values transformGradient4(ImplicitLocOpBuilder &b, ValueRange x) {
  SmallVector<Term> m = termsOf(b, x);
  Term sum = 1.0 / 6 * (m[1] + m[2]), sum2 = m[3] + m[4];
  return valuesOf({0.25 * m[0] - sum + 1.0 / 24 * sum2,
                   1.0 / 6 * (m[2] - m[1]) + 1.0 / 12 * (m[3] - m[4]),
                   1.0 / 6 * sum2 - sum + m[5]});
}

//===----------------------------------------------------------------------===//
// Tables
//===----------------------------------------------------------------------===//

const WinogradTransforms &ai::getWinogradTransforms(int64_t tile) {
  static const WinogradTransforms two{2,
                                      {4, 4, 4, transformInput2},
                                      {3, 4, 5, transformKernel2},
                                      {4, 2, 4, transformOutput2},
                                      {2, 4, 3, transformCotangent2},
                                      {4, 3, 6, transformGradient2}};
  static const WinogradTransforms four{4,
                                       {6, 6, 12, transformInput4},
                                       {3, 6, 11, transformKernel4},
                                       {6, 4, 10, transformOutput4},
                                       {4, 6, 10, transformCotangent4},
                                       {6, 3, 12, transformGradient4}};
  assert((tile == 2 || tile == 4) && "there are transforms for two tiles");
  return tile == 2 ? two : four;
}

Value AxisTransform::pick(ImplicitLocOpBuilder &b, Value index, ValueRange x) const {
  Values values = apply(b, x);
  Value picked = values.back();
  for (int64_t i = results - 2; i >= 0; --i) {
    Value here = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, index,
                                       arith::ConstantIndexOp::create(b, i));
    picked = scalar::select(b, here, values[i], picked);
  }
  return picked;
}
