// Which sums the threads of a warp add up together.

#ifndef AI_LIB_CODEGEN_GPU_WARPSUMS_H
#define AI_LIB_CODEGEN_GPU_WARPSUMS_H

#include "ThreadGroups.h"

namespace ai {

/// Threads of a warp.
inline constexpr int64_t kWarp = 32;

/// The one op of a group that sums, and the loop of it that the threads of a warp share.
struct WarpSum {
  size_t op;
  unsigned dim;
};

/// Whether a thread block of that many threads is done sooner if each element of the group belongs
/// to a warp, whose threads take every 32nd iteration of one loop and exchange their sums. None
/// for groups with more than one sum, and for sums that are no additions in f32.
std::optional<WarpSum> findWarpSum(const ThreadGroup &group, int64_t threads);

} // namespace ai

#endif // AI_LIB_CODEGEN_GPU_WARPSUMS_H
