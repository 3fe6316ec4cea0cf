// Which algorithm computes a convolution or one of its gradients. Their costs are counted in
// multiply-adds of one element, for one sample:
//
//   direct    pixels * taps * in * out            (pixels of the result)
//             2 * winners * taps * in             (where the zeros of a max-pool are left out)
//   im2col    direct + kMove * pixels * taps * in (the patches written and read)
//   winograd  tiles * (square * in * out + transforms) + kernels
//   pixels as lanes, of a sample alone: direct * vectors of pixels / vectors of channels, and
//   copies
//
// They all keep their products in register tiles that run at about the same rate, so that im2col,
// which saves no multiplication, is cheaper for no shape: our direct nests read images in place.

#include "lib/Conversion/AIToLinalg/Patterns.h"

using namespace mlir;
using namespace ai;

static constexpr StringLiteral kMark = "ai.algorithm";

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

static int64_t product(ArrayRef<int64_t> values) {
  int64_t result = 1;
  for (int64_t value : values)
    result *= value;
  return result;
}

namespace {
/// The extents of a convolution that costs depend on, whichever gradient is computed.
struct Extents {
  Extents(RankedTensorType image, RankedTensorType result, ArrayRef<int64_t> kernel)
      : in(image.getDimSize(1)), out(result.getDimSize(1)),
        pixels(product(result.getShape().take_back(2))), taps(product(kernel.take_back(2))) {}

  int64_t direct() const { return pixels * taps * in * out; }
  int64_t im2col() const { return direct() + kMove * pixels * taps * in; }

  int64_t in, out, pixels, taps;
};

/// What may compute an op, the cheapest first.
struct Candidate {
  Algorithm algorithm;
  int64_t cost;
};
} // namespace

static StringRef getName(Algorithm algorithm) {
  switch (algorithm) {
  case Algorithm::Direct:
    return "directly";
  case Algorithm::Im2col:
    return "by im2col";
  case Algorithm::Winograd2:
    return "by Winograd's algorithm, tiles of 2x2";
  case Algorithm::Winograd4:
    return "by Winograd's algorithm, tiles of 4x4";
  case Algorithm::PixelLanes:
    return "directly with pixels as lanes";
  }
  llvm_unreachable("all algorithms have a name");
}

static std::optional<Extents> getExtents(Operation *op) {
  if (auto conv = dyn_cast<Conv2DOp>(op))
    return Extents(typeOf(conv.getInput()), typeOf(conv.getResult()),
                   typeOf(conv.getWeight()).getShape());
  if (auto gradient = dyn_cast<Conv2DInputGradientOp>(op))
    return Extents(typeOf(gradient.getResult()), typeOf(gradient.getCt()),
                   typeOf(gradient.getWeight()).getShape());
  if (auto gradient = dyn_cast<Conv2DWeightGradientOp>(op))
    return Extents(typeOf(gradient.getInput()), typeOf(gradient.getCt()),
                   typeOf(gradient.getResult()).getShape());
  return std::nullopt;
}

Algorithm ai::getAlgorithm(Operation *op) {
  auto mark = op->getAttrOfType<IntegerAttr>(kMark);
  return mark ? static_cast<Algorithm>(mark.getInt()) : Algorithm::Direct;
}

static void choose(Operation *op, const Extents &extents, StringRef wanted,
                   const Vectors &vectors) {
  SmallVector<Candidate> candidates{
      {Algorithm::Direct, getCostOfWinners(op).value_or(extents.direct())},
      {Algorithm::Im2col, extents.im2col()}};
  for (Algorithm algorithm : {Algorithm::Winograd2, Algorithm::Winograd4})
    if (std::optional<int64_t> cost = getCostOfTiles(op, algorithm))
      candidates.push_back({algorithm, *cost});
  if (std::optional<double> share = getShareOfPixelLanes(op, vectors))
    candidates.push_back(
        {Algorithm::PixelLanes, int64_t(std::ceil(*share * double(extents.direct())))});
  // What is asked for comes first, where it can be; otherwise what costs least.
  auto rank = [&](const Candidate &candidate) {
    Algorithm algorithm = candidate.algorithm;
    bool isWanted = (wanted == "im2col" && algorithm == Algorithm::Im2col) ||
                    (wanted == "winograd" && isWinograd(algorithm));
    return std::tuple(!isWanted, candidate.cost, algorithm);
  };
  llvm::sort(candidates, [&](auto &a, auto &b) { return rank(a) < rank(b); });
  Algorithm chosen = candidates.front().algorithm;
  if (chosen != Algorithm::Direct)
    op->setDiscardableAttr(
        kMark, IntegerAttr::get(IntegerType::get(op->getContext(), 64), int64_t(chosen)));
  InFlightDiagnostic remark = op->emitRemark();
  remark << getName(chosen) << ", at the cost of " << candidates.front().cost
         << " multiply-adds a sample";
  for (const Candidate &other : ArrayRef(candidates).drop_front())
    remark << "; " << getName(other.algorithm) << " " << other.cost;
}

void ai::chooseAlgorithms(Operation *root, StringRef wanted, const Vectors &vectors) {
  root->walk([&](Operation *op) {
    std::optional<Extents> extents = getExtents(op);
    if (extents && wanted != "direct")
      choose(op, *extents, wanted, vectors);
  });
}
