#include "lib/Driver/Roofline.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace ai;

void Cost::operator+=(const Cost &other) {
  flops += other.flops;
  read += other.read;
  written += other.written;
  seconds += other.seconds;
}

Cost ai::costOf(DictionaryAttr nest, const rt::Machine *machine) {
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

int64_t ai::countLaunches(StringRef kind, int64_t blocks, int64_t slots, bool hasFold) {
  int64_t rounds = llvm::divideCeil(blocks, slots);
  bool isFolded = hasFold && rounds > 1;
  if (kind == "fold")
    return rounds - 1;
  if (kind == "combine" || kind == "finish")
    return (kind == "finish") == isFolded;
  return 1;
}

void ai::printKernelCosts(ModuleOp module, raw_ostream &os) {
  auto recipe = module->getAttrOfType<DictionaryAttr>("ai.recipe");
  int64_t batch = recipe ? recipe.getAs<IntegerAttr>("batch").getInt() : 1;
  auto slots = module->getAttrOfType<IntegerAttr>("ai.num_slots");
  os << llvm::formatv("kernels of a step of {0} samples; KiB in global and in shared memory, every "
                      "access counts\n{1,8} {2,8} {3,8} {4,11} {5,11} {6,11} {7,11} {8,9}  name\n",
                      batch, "launches", "blocks", "threads", "loaded", "stored", "sh. loaded",
                      "sh. stored", "MFLOP");
  for (auto f : module.getOps<FunctionOpInterface>()) {
    auto costs = module->getAttrOfType<DictionaryAttr>("ai.kernel_costs");
    auto kernels = costs ? costs.getAs<ArrayAttr>(f.getName()) : ArrayAttr();
    if (!kernels)
      continue;
    auto kind = f->getAttrOfType<StringAttr>("ai.kind");
    auto step = f->getAttrOfType<StringAttr>("ai.step");
    auto size = f->getAttrOfType<IntegerAttr>("ai.size");
    int64_t blocks = size ? llvm::divideCeil(batch, size.getInt()) : 1;
    bool hasFold = step && module.lookupSymbol((step.getValue() + "_fold").str());
    int64_t launches =
        kind ? countLaunches(kind.getValue(), blocks, std::max<int64_t>(slots.getInt(), 1), hasFold)
             : 1;
    for (auto kernel : kernels.getAsRange<DictionaryAttr>()) {
      auto number = [&](StringRef key) { return kernel.getAs<IntegerAttr>(key).getInt(); };
      int64_t grid = number("grid") ? number("grid") : blocks;
      int64_t times = number("grid") ? launches : blocks;
      auto kibibytes = [&](StringRef key) { return double(times * number(key)) / 1024; };
      os << llvm::formatv(
          "{0,8} {1,8} {2,8} {3,11:f1} {4,11:f1} {5,11:f1} {6,11:f1} {7,9:f2}  {8}\n", launches,
          grid, number("threads"), kibibytes("loaded"), kibibytes("stored"),
          kibibytes("shared_loaded"), kibibytes("shared_stored"),
          1e-6 * double(times * number("flops")), kernel.getAs<StringAttr>("name").getValue());
    }
  }
}
