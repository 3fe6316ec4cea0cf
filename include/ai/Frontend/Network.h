// A network that is compiled and trained in this process.
//
//   Sequential net({std::make_shared<Conv2d>(6, Pair{5, 5}), ...});
//   Recipe recipe = {"cross_entropy", SGD{0.1}, {}, /*batch=*/64, /*epochs=*/4};
//   llvm::Expected<std::vector<Epoch>> epochs = net.fit(recipe, train, &test);

#ifndef AI_FRONTEND_NETWORK_H
#define AI_FRONTEND_NETWORK_H

#include "ai/Driver/Driver.h"
#include "ai/Frontend/Layers.h"
#include <functional>
#include <mutex>

namespace ai {

struct Operator;

/// One pass over the training data.
struct Epoch {
  int64_t number = 0; ///< from 1, those of earlier trainings included
  ai_rt_metrics_t train = {}, test = {};
  bool hasTest = false, isClassifier = false;
  double seconds = 0; ///< of training, without the test

  /// `loss 0.4512  acc 83.27%  98,765 samples/s  test loss 0.4630  acc 82.91%`
  std::string text() const;
};

/// What is looked for and written while a network is trained.
struct Watching {
  bool checkNaN = false;  ///< the first NaN ends it, as with --check-nan
  bool gradients = false; ///< the log shows them, too, as with --gradients
  std::string log;        ///< folder of event files, as --log writes them; empty: none
  std::string trace;      ///< file for what each thread does in the first ten steps; empty: none
};

/// A network: a layer that is a whole model. Override `apply` for one that is no Sequential.
///
/// It is compiled when it is first needed, in this process (ai/Driver/Program.h), and again when
/// its recipe or its layers have changed; parameters are kept. One thread at a time may use it;
/// another one gets an error.
class Network : public Layer {
public:
  Network();
  ~Network() override;

  Recipe recipe;                   ///< of the last `fit`, and of whatever else is compiled
  CompileOptions options;          ///< `input`, `output` and `emit` are not read
  std::vector<int64_t> inputShape; ///< of a sample; empty: that of the first data
  int64_t threads = 0;             ///< 0: one for each CPU
  /// Asked about twenty times a second; true ends what goes on with `Interrupted`. A step is not
  /// cut short, nor is a compilation, which goes on behind the scenes until somebody needs it.
  std::function<bool()> interrupted;

  /// Trains `newRecipe.epochs` epochs more and tells of each; an epoch that was interrupted is
  /// finished first, and counts. The recipe is kept unless it, or the data, are refused. What was
  /// compiled to look for NaNs does so in `evaluate` and `predict`, too, until the next fit. A
  /// trace is written even if the training ends early.
  llvm::Expected<std::vector<Epoch>> fit(const Recipe &newRecipe, const ai_rt_data_t &train,
                                         const ai_rt_data_t *test = nullptr,
                                         llvm::function_ref<void(const Epoch &)> onEpoch = nullptr,
                                         const Watching &watching = {});
  /// Sums over the data.
  llvm::Expected<ai_rt_metrics_t> evaluate(const ai_rt_data_t &data);
  /// The output of each sample, row by row, and the shape of one of them: class probabilities where
  /// the loss is a classifier's. `allocate` is told the shape and returns memory for that many f32.
  llvm::Error predict(const ai_rt_data_t &data,
                      llvm::function_ref<float *(llvm::ArrayRef<int64_t>)> allocate);

  /// Checkpoints (ai_rt_model_save). `load` reads the parameters; with `training` the optimizer's
  /// state and the progress too.
  llvm::Error save(const std::string &path);
  llvm::Error load(const std::string &path, bool training);

  /// The model as text: at a stage, as an artefact that is text (llvm-ir, asm, dot, svg), or, if
  /// `emit` is empty, as it was built.
  llvm::Expected<std::string> print(llvm::StringRef emit);
  /// What the model is made of: the operators of its body (ai/Frontend/Graph.h), and at last
  /// ai.return.
  llvm::Expected<std::vector<Operator>> operators();
  /// Writes an artefact to a file: exe, lib, ... `options.runtime` is the folder of libai_rt.a.
  llvm::Error compile(const std::string &path, llvm::StringRef emit);
  /// Writes a page that shows how the model is compiled (--explain); with `measure` steps are run,
  /// too, to see what takes how long.
  llvm::Error report(const std::string &path, bool measure);

  /// Compiles a network that is not compiled yet, which also draws its parameters.
  llvm::Error prepare();
  /// The parameters and what else ai_rt.h tells of a model; null before anything was compiled.
  /// What is shared stays valid, but is no longer this network's once that is compiled again.
  std::shared_ptr<ai_rt_model_t> getModel() const;

private:
  struct State;

  llvm::Error prepare(const Recipe &recipe, const ai_rt_array_t *inputs, bool again);
  llvm::Error update(const Recipe &recipe);
  llvm::Expected<ai_rt_metrics_t> sumOver(const ai_rt_data_t &data);
  llvm::Error train(const ai_rt_data_t &train, const ai_rt_data_t *test, ai_rt_log_t *log,
                    llvm::function_ref<void(const Epoch &)> onEpoch);
  llvm::Expected<Epoch> trainEpoch(const ai_rt_data_t &data, ai_rt_log_t *log);
  llvm::Error write(llvm::StringRef emit, const std::string &path, llvm::raw_ostream *text);
  llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>>
  build(mlir::MLIRContext &context, const Recipe &recipe,
        llvm::StringMap<Floats> *firstValues = nullptr);

  std::unique_ptr<State> state;
};

/// Layers one after the other.
class Sequential : public Network {
public:
  explicit Sequential(std::vector<LayerPointer> layers) : layers(std::move(layers)) {}
  mlir::Value apply(ModelBuilder &model, mlir::Value input) override;

  std::vector<LayerPointer> layers;
};

} // namespace ai

#endif // AI_FRONTEND_NETWORK_H
