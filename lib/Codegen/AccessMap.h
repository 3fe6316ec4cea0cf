// Accesses found by the place they touch.

#ifndef AI_LIB_CODEGEN_ACCESSMAP_H
#define AI_LIB_CODEGEN_ACCESSMAP_H

#include "AffineAccess.h"
#include "llvm/ADT/DenseMap.h"
#include <map>

namespace ai {

/// Keeps accesses by place. Accesses of one memref whose indices differ by constants only lie in
/// one bucket: whether two of them meet is a matter of their constants, so a look-up. Buckets are
/// compared with each other entry by entry, but few of them share memory. All accesses must see
/// the same iteration of the loops that they have in common.
class AccessMap {
public:
  /// The accesses at the place of `access`, in the order they were added; null if there are none.
  Accesses *find(const Access &access);
  void add(const Access &access);
  /// Calls `fn` for all accesses that may touch an element of `access`, until it returns false.
  void forEachOverlapping(const Access &access, llvm::function_ref<bool(const Access &)> fn) const;
  void eraseOverlapping(const Access &access);

private:
  using Constants = llvm::SmallVector<int64_t, 4>;
  struct Less {
    bool operator()(const Constants &a, const Constants &b) const {
      return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end());
    }
  };
  using Entries = std::map<Constants, Accesses, Less>;
  struct Bucket {
    Access first; // any access of the bucket
    Entries entries;
  };

  static Constants constantsOf(const Access &access);
  static bool belongsTo(const Bucket &bucket, const Access &access);
  /// The bucket of a known access, or the number of buckets.
  unsigned bucketOf(const Access &access) const;
  /// Entries of the own bucket of `access` that may overlap it.
  static std::pair<Entries::const_iterator, Entries::const_iterator>
  neighbours(const Bucket &bucket, const Access &access);

  std::vector<Bucket> buckets;
  llvm::DenseMap<size_t, llvm::SmallVector<unsigned, 1>> bucketsByHash;
  Accesses unknown; // may touch any element of their memref
};

} // namespace ai

#endif // AI_LIB_CODEGEN_ACCESSMAP_H
