#include "lib/Driver/Roofline.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace ai;

namespace {
/// A nest, or the sum of some.
struct Cost {
  double flops = 0, read = 0, written = 0, seconds = 0;
  std::string level = "-", bound = "-";

  void operator+=(const Cost &other) {
    flops += other.flops;
    read += other.read;
    written += other.written;
    seconds += other.seconds;
  }
};
} // namespace

static Cost costOf(DictionaryAttr nest, const rt::Machine *machine) {
  auto number = [&](StringRef name) { return nest.getAs<FloatAttr>(name).getValueAsDouble(); };
  Cost cost{number("flops"), number("bytes_read"), number("bytes_written")};
  if (!machine)
    return cost;
  double bytes = cost.read + cost.written, workingSet = number("working_set");
  cost.seconds = machine->leastSeconds(cost.flops, bytes, workingSet);
  cost.level = machine->levelOf(workingSet).name;
  cost.bound = cost.seconds > machine->leastSeconds(cost.flops, 0, workingSet) ? cost.level : "FMA";
  return cost;
}

static void printRow(const Cost &cost, StringRef name, bool hasTimes, raw_ostream &os) {
  double bytes = cost.read + cost.written;
  os << llvm::formatv("{0,10:f1} {1,9:f1} {2,9:f1} {3,7} {4,7} {5,7} {6,9}  {7}\n",
                      1e-3 * cost.flops, cost.read / 1024, cost.written / 1024,
                      bytes > 0 ? llvm::formatv("{0:f2}", cost.flops / bytes).str() : "-",
                      cost.level, cost.bound,
                      hasTimes ? llvm::formatv("{0:f2}", 1e6 * cost.seconds).str() : "-", name);
}

void ai::printRoofline(ModuleOp module, const rt::Machine *machine, raw_ostream &os) {
  if (machine) {
    os << llvm::formatv("one thread of this machine: FMA peak {0:f1} GFLOP/s; reads in GB/s:",
                        1e-9 * machine->flops.best);
    for (const rt::MemoryLevel &level : machine->levels)
      os << llvm::formatv(" {0} {1:f1}", level.name, 1e-9 * level.bytesRead.best);
    os << "\n";
  } else {
    os << "no times: they are those of this machine, which --cpu=native compiles for\n";
  }
  auto functions = module->getAttrOfType<DictionaryAttr>("ai.nests");
  for (NamedAttribute function : functions ? functions.getValue() : ArrayRef<NamedAttribute>()) {
    os << "\n@" << function.getName().getValue() << "\n"
       << llvm::formatv("{0,10} {1,9} {2,9} {3,7} {4,7} {5,7} {6,9}  {7}\n", "kFLOP", "KiB read",
                        "written", "FLOP/B", "fits", "bound", "us", "name");
    Cost sum;
    for (auto nest : cast<ArrayAttr>(function.getValue()).getAsRange<DictionaryAttr>()) {
      Cost cost = costOf(nest, machine);
      printRow(cost, nest.getAs<StringAttr>("name").getValue(), machine, os);
      sum += cost;
    }
    printRow(sum, "sum", machine, os);
  }
}
