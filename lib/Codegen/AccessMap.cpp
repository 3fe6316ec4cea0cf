#include "AccessMap.h"
#include "llvm/ADT/Hashing.h"

using namespace mlir;

namespace ai {

AccessMap::Constants AccessMap::constantsOf(const Access &access) {
  Constants constants;
  for (const LinearIndex &index : access.indices)
    constants.push_back(index.constant);
  return constants;
}

static size_t hashOf(const Access &access) {
  llvm::hash_code hash = llvm::hash_combine(access.memref, access.type);
  for (const LinearIndex &index : access.indices)
    for (const auto &[value, factor] : index.terms)
      hash = llvm::hash_combine(hash, value, factor);
  return hash;
}

bool AccessMap::belongsTo(const Bucket &bucket, const Access &access) {
  const Access &other = bucket.first;
  if (other.memref != access.memref || other.type != access.type)
    return false;
  return llvm::all_of(llvm::zip(other.indices, access.indices), [](const auto &pair) {
    return std::get<0>(pair).terms == std::get<1>(pair).terms;
  });
}

unsigned AccessMap::bucketOf(const Access &access) const {
  auto found = bucketsByHash.find(hashOf(access));
  if (found != bucketsByHash.end())
    for (unsigned bucket : found->second)
      if (belongsTo(buckets[bucket], access))
        return bucket;
  return buckets.size();
}

Accesses *AccessMap::find(const Access &access) {
  unsigned bucket = access.isKnown() ? bucketOf(access) : buckets.size();
  if (bucket == buckets.size())
    return nullptr;
  auto entry = buckets[bucket].entries.find(constantsOf(access));
  return entry == buckets[bucket].entries.end() ? nullptr : &entry->second;
}

void AccessMap::add(const Access &access) {
  if (!access.isKnown()) {
    unknown.push_back(access);
    return;
  }
  unsigned bucket = bucketOf(access);
  if (bucket == buckets.size()) {
    buckets.push_back({access, {}});
    bucketsByHash[hashOf(access)].push_back(bucket);
  }
  buckets[bucket].entries[constantsOf(access)].push_back(access);
}

std::pair<AccessMap::Entries::const_iterator, AccessMap::Entries::const_iterator>
AccessMap::neighbours(const Bucket &bucket, const Access &access) {
  Constants low = constantsOf(access), high = low;
  for (unsigned dim = 0; dim < low.size(); ++dim) {
    low[dim] -= access.width(dim) - 1;
    high[dim] += access.width(dim) - 1;
  }
  return {bucket.entries.lower_bound(low), bucket.entries.upper_bound(high)};
}

void AccessMap::forEachOverlapping(const Access &access,
                                   function_ref<bool(const Access &)> fn) const {
  for (const Access &other : unknown)
    if (mayShareMemory(access.memref, other.memref) && !fn(other))
      return;
  for (const Bucket &bucket : buckets) {
    if (!mayShareMemory(access.memref, bucket.first.memref))
      continue;
    bool isOwn = access.isKnown() && belongsTo(bucket, access);
    auto [entry, end] = isOwn ? neighbours(bucket, access)
                              : std::pair(bucket.entries.begin(), bucket.entries.end());
    for (; entry != end; ++entry)
      if (mayOverlap(access, entry->second.front()))
        for (const Access &other : entry->second)
          if (!fn(other))
            return;
  }
}

void AccessMap::eraseOverlapping(const Access &access) {
  llvm::erase_if(unknown, [&](const Access &o) { return mayShareMemory(access.memref, o.memref); });
  for (Bucket &bucket : buckets) {
    if (!mayShareMemory(access.memref, bucket.first.memref))
      continue;
    bool isOwn = access.isKnown() && belongsTo(bucket, access);
    auto [entry, end] = isOwn ? neighbours(bucket, access)
                              : std::pair(bucket.entries.cbegin(), bucket.entries.cend());
    while (entry != end)
      entry = mayOverlap(access, entry->second.front()) ? bucket.entries.erase(entry)
                                                        : std::next(entry);
  }
}

} // namespace ai
