// The transforms of Winograd's minimal filtering along one axis, as straight-line arithmetic.

#ifndef AI_CONVERSION_AITOLINALG_WINOGRADTRANSFORMS_H
#define AI_CONVERSION_AITOLINALG_WINOGRADTRANSFORMS_H

#include "lib/Conversion/AIToLinalg/Scalars.h"

namespace ai {

/// A matrix times the elements along one axis.
struct AxisTransform {
  using Apply = llvm::SmallVector<mlir::Value> (*)(mlir::ImplicitLocOpBuilder &, mlir::ValueRange);

  /// The result of which `index` is the number; by the time that loops are unrolled it is known.
  mlir::Value pick(mlir::ImplicitLocOpBuilder &b, mlir::Value index, mlir::ValueRange x) const;

  int64_t taps, results;
  int64_t operations; // multiply-adds, additions or multiplications
  Apply apply;
};

/// F(tile, 3): `tile` results of a kernel of three elements, from tile + 2 products. The gradient
/// of the kernel comes from as many: `cotangent` is `output` transposed, `gradient` is `kernel`.
struct WinogradTransforms {
  int64_t tile;
  AxisTransform input, kernel, output;
  AxisTransform cotangent, gradient;
};

/// For tiles of 2 or 4.
const WinogradTransforms &getWinogradTransforms(int64_t tile);

} // namespace ai

#endif // AI_CONVERSION_AITOLINALG_WINOGRADTRANSFORMS_H
