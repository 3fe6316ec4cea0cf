// Where buffers lie in a region: those whose lives overlap never share bytes.

#ifndef AI_LIB_CODEGEN_PLACEMENT_H
#define AI_LIB_CODEGEN_PLACEMENT_H

#include "mlir/IR/Value.h"

namespace ai {

/// A value of memref type that gets a place in a region; it lives from `first` to `last` (positions
/// of ops, or, where threads share the function, the number of barriers before them).
struct Buffer {
  mlir::Value value;
  int64_t bytes, first, last, offset = 0;
  size_t order = 0;
  bool meets(const Buffer &o) const { return first <= o.last && o.first <= last; }
};

/// What is placed before what.
enum class Order { Largest, LongestLived, LargestArea };

/// Places each in the lowest gap among the buffers it meets, by default largest first (best fit over
/// lifetime intervals, as in Pisarchyk and Lee, "Efficient memory management for deep neural net
/// inference", 2020). Returns the end of the highest.
int64_t place(llvm::SmallVectorImpl<Buffer> &buffers, Order order = Order::Largest);

/// The same in the order that takes least: shared memory of a GPU is scarce.
int64_t placeTightly(llvm::SmallVectorImpl<Buffer> &buffers);

} // namespace ai

#endif // AI_LIB_CODEGEN_PLACEMENT_H
