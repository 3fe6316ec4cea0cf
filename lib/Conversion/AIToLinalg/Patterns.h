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

/// Marks the convolutions and input gradients in `root` that Winograd's algorithm is to compute:
/// those of whole tiles, and of as many channels that it pays unless `always`. Says so in remarks.
void markTiledConvolutions(mlir::Operation *root, bool always);
bool isTiled(mlir::Operation *op);

/// The results of a marked convolution of `image`, which lies inside its border: as the op has
/// them, or `inTiles` in the windows of a pool of 2x2.
Tensor convolveInTiles(mlir::ImplicitLocOpBuilder &b, Conv2DOp conv, const Tensor &image,
                       const Tensor &weight, std::optional<Tensor> bias, bool inTiles);

/// A marked input gradient: the convolution of the cotangent with the kernel turned around.
Tensor convolveGradientInTiles(mlir::ImplicitLocOpBuilder &b, Conv2DInputGradientOp op,
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
