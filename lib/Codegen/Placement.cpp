// Best fit over lifetime intervals.

#include "lib/Codegen/Placement.h"

#include "mlir/Support/LLVM.h"

using namespace mlir;
using namespace ai;

static int64_t rankOf(const Buffer &buffer, Order order) {
  int64_t life = buffer.last - buffer.first + 1;
  return order == Order::Largest        ? buffer.bytes
         : order == Order::LongestLived ? life
                                        : buffer.bytes * life;
}

int64_t ai::place(SmallVectorImpl<Buffer> &buffers, Order order) {
  int64_t end = 0;
  for (auto [i, buffer] : llvm::enumerate(buffers)) {
    buffer.order = i;
    buffer.offset = 0;
  }
  llvm::sort(buffers, [&](const Buffer &a, const Buffer &b) {
    return std::make_tuple(-rankOf(a, order), -a.bytes, a.order) <
           std::make_tuple(-rankOf(b, order), -b.bytes, b.order);
  });
  for (auto [i, buffer] : llvm::enumerate(buffers)) {
    SmallVector<std::pair<int64_t, int64_t>> taken;
    for (const Buffer &placed : ArrayRef(buffers).take_front(i))
      if (placed.meets(buffer))
        taken.push_back({placed.offset, placed.offset + placed.bytes});
    llvm::sort(taken);
    for (auto [begin, stop] : taken) {
      if (buffer.offset + buffer.bytes <= begin)
        break;
      buffer.offset = std::max(buffer.offset, stop);
    }
    end = std::max(end, buffer.offset + buffer.bytes);
  }
  return end;
}

int64_t ai::placeTightly(SmallVectorImpl<Buffer> &buffers) {
  Order best = Order::Largest;
  int64_t least = place(buffers, best);
  for (Order order : {Order::LongestLived, Order::LargestArea})
    if (int64_t end = place(buffers, order); end < least) {
      best = order;
      least = end;
    }
  return place(buffers, best);
}
