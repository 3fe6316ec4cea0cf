// The lowerings by family, and what several families use.

#ifndef AI_CONVERSION_AITOLINALG_PATTERNS_H
#define AI_CONVERSION_AITOLINALG_PATTERNS_H

#include "lib/Conversion/AIToLinalg/Layout.h"

namespace ai {

void populateElementwiseLowerings(const mlir::TypeConverter &, mlir::RewritePatternSet &);
void populateContractionLowerings(const mlir::TypeConverter &, mlir::RewritePatternSet &);
void populateReductionLowerings(const mlir::TypeConverter &, mlir::RewritePatternSet &);
void populateConvolutionLowerings(const mlir::TypeConverter &, int64_t l1,
                                  mlir::RewritePatternSet &);
/// Of gradients that meet the zeros of a max-pool's; preferred to those above.
void populateSparseLowerings(const mlir::TypeConverter &, int64_t l1, mlir::RewritePatternSet &);
void populatePoolingLowerings(const mlir::TypeConverter &, mlir::RewritePatternSet &);
void populateShapeLowerings(const mlir::TypeConverter &, mlir::RewritePatternSet &);
void populateLossLowerings(const mlir::TypeConverter &, mlir::RewritePatternSet &);
void populateRandomLowerings(const mlir::TypeConverter &, mlir::RewritePatternSet &);
/// Of convolutions and products that a library computes; preferred to all those above.
void populateLibraryLowerings(const mlir::TypeConverter &, mlir::RewritePatternSet &);

/// Makes element-wise generics part of the only element-wise generic that reads them.
void populateElementwiseFusion(mlir::RewritePatternSet &);

/// Body of a contraction: output + lhs * rhs.
llvm::SmallVector<mlir::Value> multiplyAdd(mlir::ImplicitLocOpBuilder &b, mlir::ValueRange x);

/// Body of a copy: the first input.
llvm::SmallVector<mlir::Value> copyElement(mlir::ImplicitLocOpBuilder &b, mlir::ValueRange x);

/// `type` without `dims`; the lane dimension stays the lane dimension.
mlir::RankedTensorType getReducedType(mlir::RankedTensorType type, llvm::ArrayRef<int64_t> dims);

using Combine =
    llvm::function_ref<mlir::Value(mlir::ImplicitLocOpBuilder &, mlir::Value, mlir::Value)>;

/// `init` combined with the elements of `x` over `dims`, one after another as they lie in memory.
/// `init` has the other dimensions, and may have 1 in the place of those.
Tensor reduceTensor(mlir::ImplicitLocOpBuilder &b, const Tensor &x, llvm::ArrayRef<int64_t> dims,
                    const Tensor &init, Combine combine);

/// The largest element (a NaN if there is one) or the sum over `dims`, as a tensor of type `type`.
Tensor maxOver(mlir::ImplicitLocOpBuilder &b, const Tensor &x, llvm::ArrayRef<int64_t> dims,
               mlir::RankedTensorType type);
Tensor sumOver(mlir::ImplicitLocOpBuilder &b, const Tensor &x, llvm::ArrayRef<int64_t> dims,
               mlir::RankedTensorType type);

/// The type of the same logical tensor in row-major order.
mlir::RankedTensorType getRowMajor(mlir::RankedTensorType type);

/// The same logical tensor in another layout.
Tensor relayout(mlir::ImplicitLocOpBuilder &b, const Tensor &x, mlir::RankedTensorType type);

/// Each element divided by `count`.
Tensor divideByCount(mlir::ImplicitLocOpBuilder &b, const Tensor &sum, int64_t count);

/// What a contraction adds to: zeros, or `bias` along dimension `biasDim`, made with its loops over
/// the dimensions of `type` in this order (the lane last), so that both can become one nest.
Tensor initialSum(mlir::ImplicitLocOpBuilder &b, mlir::RankedTensorType type,
                  std::optional<Tensor> bias, int64_t biasDim, llvm::ArrayRef<int64_t> order);

/// `type` with a border of `padding` rows and columns around its last two dimensions.
mlir::RankedTensorType growImages(mlir::RankedTensorType type, llvm::ArrayRef<int64_t> padding);

/// `x` with a border of `value` around its last two logical dimensions; `x` itself without padding.
Tensor padImages(mlir::ImplicitLocOpBuilder &b, const Tensor &x, llvm::ArrayRef<int64_t> padding,
                 double value);

/// The opposite: removes the border.
Tensor cropImages(mlir::ImplicitLocOpBuilder &b, const Tensor &x, llvm::ArrayRef<int64_t> padding);

/// The windows of a pooling op, each a pair (vertical, horizontal).
struct Windows {
  llvm::SmallVector<int64_t> kernel, stride, padding;

  int64_t area() const { return kernel[0] * kernel[1]; }
  bool isPadded() const { return padding[0] != 0 || padding[1] != 0; }
  /// Whether each element of the input belongs to at most one window, at a fixed place.
  bool areTiles() const { return kernel == stride && !isPadded(); }
};

/// The convolution whose result `x` only `windows` read, if they neither overlap nor have a border:
/// its loops can be split along them, and its result need not be stored. Null if there is none.
Conv2DOp getConvolutionInWindows(mlir::Value x, const Windows &windows);

/// Whether `conv` is such a convolution, and its windows are straight-line code.
bool isInWindows(Conv2DOp conv);

/// The vectors of a processor.
struct Vectors {
  int64_t bits;
  bool haveMasks;

  /// How many `extent` elements of this type take.
  int64_t count(int64_t extent, mlir::Type element) const {
    int64_t lanes = std::max<int64_t>(1, bits / element.getIntOrFloatBitWidth());
    return countVectors(extent, lanes, haveMasks);
  }
};

/// How a convolution or a gradient of one is computed.
enum class Algorithm : int64_t { Direct, Im2col, Winograd2, Winograd4, PixelLanes };

/// Whether it computes tiles of 2x2 or 4x4 results.
inline bool isWinograd(Algorithm algorithm) {
  return algorithm == Algorithm::Winograd2 || algorithm == Algorithm::Winograd4;
}

/// An element that is stored and loaded again costs as much as two multiply-adds: a core does two
/// of these a cycle, and one store.
inline constexpr int64_t kMove = 2;

/// Marks what is to be computed by another algorithm than `Direct`: where `wanted` is "auto", by
/// what costs least; where it names an algorithm, by that if the op allows it. Says so in remarks.
void chooseAlgorithms(mlir::Operation *root, llvm::StringRef wanted, const Vectors &vectors);
Algorithm getAlgorithm(mlir::Operation *op);

/// What Winograd's algorithm costs for `op`, in multiply-adds a sample; none if it cannot be used.
std::optional<int64_t> getCostOfTiles(mlir::Operation *op, Algorithm algorithm);

/// How much of the time of a direct convolution or input gradient, whose lanes are channels, the
/// same takes with pixels as lanes; none if it cannot be computed so.
std::optional<double> getShareOfPixelLanes(mlir::Operation *op, const Vectors &vectors);

/// A convolution of `x`, without its border, and an input gradient, with pixels as lanes.
Tensor convolvePixels(mlir::ImplicitLocOpBuilder &b, Conv2DOp op, const Tensor &x,
                      const Tensor &weight, const std::optional<Tensor> &bias);
Tensor convolveGradientPixels(mlir::ImplicitLocOpBuilder &b, Conv2DInputGradientOp op,
                              const Tensor &ct, const Tensor &weight);

/// The border around the images of `conv`: its padding, and what makes whole tiles of the result.
llvm::SmallVector<int64_t> getBorder(Conv2DOp conv);

/// What a weight gradient costs that visits the winners of a max-pool only, in multiply-adds a
/// sample; none if `op` is no such gradient.
std::optional<int64_t> getCostOfWinners(mlir::Operation *op);

/// The results of a convolution of `image`, which lies inside its border: as the op has
/// them, or `inWindows` of a pool of 2x2.
Tensor convolveInTiles(mlir::ImplicitLocOpBuilder &b, Conv2DOp conv, const Tensor &image,
                       const Tensor &weight, std::optional<Tensor> bias, bool inWindows);

/// An input gradient: the convolution of the cotangent with the kernel turned around.
Tensor convolveGradientInTiles(mlir::ImplicitLocOpBuilder &b, Conv2DInputGradientOp op,
                               const Tensor &ct, const Tensor &weight);

/// The gradient of a kernel by Winograd's algorithm.
Tensor sumGradientInTiles(mlir::ImplicitLocOpBuilder &b, Conv2DWeightGradientOp op,
                          mlir::Value input, const Tensor &ct);

/// The type of the patch matrix of images for results and kernels of these sizes: logical
/// dimensions [sample, channel, row, column, kernel row, kernel column], with the layout of the
/// images.
mlir::RankedTensorType getPatchType(mlir::RankedTensorType image, llvm::ArrayRef<int64_t> result,
                                    llvm::ArrayRef<int64_t> kernel);

/// The patch matrix of `image`, which lies inside its border.
Tensor makePatches(mlir::ImplicitLocOpBuilder &b, const Tensor &image, mlir::RankedTensorType type,
                   llvm::ArrayRef<int64_t> stride, llvm::ArrayRef<int64_t> dilation);

/// A weight gradient whose lanes are input channels, in memory: those are part of the matrix's
/// columns, which are the lanes here.
mlir::Value multiplyByPatches(mlir::ImplicitLocOpBuilder &b, Conv2DWeightGradientOp op,
                              const Tensor &image, const Tensor &ct);

/// An input gradient: the product that is the patch matrix's gradient, each element of which is
/// added where it came from (col2im).
Tensor convolveGradientByPatches(mlir::ImplicitLocOpBuilder &b, Conv2DInputGradientOp op,
                                 const Tensor &ct, const Tensor &weight);

/// The windows of the pool whose scattered gradient `ct` is, if only a convolution's weight
/// gradient reads it and windows cover it: both then go through it by rows of windows, so that it
/// need not be stored as a whole. No kernel if it is none.
Windows getScatteredRows(mlir::Value ct);

/// The result of `conv`, of which `type` is the pool's, ordered by windows: logical dimensions
/// [sample, channel, window row, window column, kernel row, kernel column].
Tensor convolveInWindows(mlir::ConversionPatternRewriter &rewriter, Conv2DOp conv,
                         mlir::RankedTensorType type, const Windows &windows);

} // namespace ai

#endif // AI_CONVERSION_AITOLINALG_PATTERNS_H
