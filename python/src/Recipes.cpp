// Optimizers, schedules and recipes: plain data.

#include "Bindings.h"
#include <nanobind/stl/string.h>
#include <nanobind/stl/variant.h>

using namespace aic;
using namespace nb::literals;

void aic::bindRecipes(nb::module_ &m) {
  nb::class_<ai::SGD>(m, "SGD", "Stochastic gradient descent with momentum, as torch.optim.SGD.")
      .def(
          "__init__",
          [](ai::SGD *self, double lr, double momentum, double decay, bool nesterov) {
            new (self) ai::SGD{lr, momentum, decay, nesterov};
          },
          "lr"_a = 0.01, "momentum"_a = 0.0, "weight_decay"_a = 0.0, "nesterov"_a = false)
      .def_rw("lr", &ai::SGD::lr)
      .def_rw("momentum", &ai::SGD::momentum)
      .def_rw("weight_decay", &ai::SGD::weightDecay)
      .def_rw("nesterov", &ai::SGD::nesterov);
  nb::class_<ai::Adam>(m, "Adam", "Adam, as torch.optim.Adam.")
      .def(
          "__init__",
          [](ai::Adam *self, double lr, double beta1, double beta2, double eps, double decay) {
            new (self) ai::Adam{lr, beta1, beta2, eps, decay};
          },
          "lr"_a = 1e-3, "beta1"_a = 0.9, "beta2"_a = 0.999, "eps"_a = 1e-8, "weight_decay"_a = 0.0)
      .def_rw("lr", &ai::Adam::lr)
      .def_rw("beta1", &ai::Adam::beta1)
      .def_rw("beta2", &ai::Adam::beta2)
      .def_rw("eps", &ai::Adam::eps)
      .def_rw("weight_decay", &ai::Adam::weightDecay);
  nb::class_<ai::AdamW>(m, "AdamW", "Adam with decoupled weight decay, as torch.optim.AdamW.")
      .def(
          "__init__",
          [](ai::AdamW *self, double lr, double beta1, double beta2, double eps, double decay) {
            new (self) ai::AdamW{lr, beta1, beta2, eps, decay};
          },
          "lr"_a = 1e-3, "beta1"_a = 0.9, "beta2"_a = 0.999, "eps"_a = 1e-8,
          "weight_decay"_a = 0.01)
      .def_rw("lr", &ai::AdamW::lr)
      .def_rw("beta1", &ai::AdamW::beta1)
      .def_rw("beta2", &ai::AdamW::beta2)
      .def_rw("eps", &ai::AdamW::eps)
      .def_rw("weight_decay", &ai::AdamW::weightDecay);
  nb::class_<ai::RMSprop>(m, "RMSprop", "RMSprop, as torch.optim.RMSprop.")
      .def(
          "__init__",
          [](ai::RMSprop *self, double lr, double alpha, double eps, double decay,
             double momentum) { new (self) ai::RMSprop{lr, alpha, eps, decay, momentum}; },
          "lr"_a = 0.01, "alpha"_a = 0.99, "eps"_a = 1e-8, "weight_decay"_a = 0.0,
          "momentum"_a = 0.0)
      .def_rw("lr", &ai::RMSprop::lr)
      .def_rw("alpha", &ai::RMSprop::alpha)
      .def_rw("eps", &ai::RMSprop::eps)
      .def_rw("weight_decay", &ai::RMSprop::weightDecay)
      .def_rw("momentum", &ai::RMSprop::momentum);
  nb::class_<ai::Adadelta>(m, "Adadelta", "Adadelta, as torch.optim.Adadelta.")
      .def(
          "__init__",
          [](ai::Adadelta *self, double lr, double rho, double eps, double decay) {
            new (self) ai::Adadelta{lr, rho, eps, decay};
          },
          "lr"_a = 1.0, "rho"_a = 0.9, "eps"_a = 1e-6, "weight_decay"_a = 0.0)
      .def_rw("lr", &ai::Adadelta::lr)
      .def_rw("rho", &ai::Adadelta::rho)
      .def_rw("eps", &ai::Adadelta::eps)
      .def_rw("weight_decay", &ai::Adadelta::weightDecay);
  nb::class_<ai::StepSchedule>(m, "StepSchedule", "rate = lr * gamma^floor(epoch / every)")
      .def(
          "__init__",
          [](ai::StepSchedule *self, double gamma, int64_t every) {
            new (self) ai::StepSchedule{gamma, every};
          },
          "gamma"_a, "every"_a = 1)
      .def_rw("gamma", &ai::StepSchedule::gamma)
      .def_rw("every", &ai::StepSchedule::every);
  nb::class_<ai::InverseSchedule>(m, "InverseSchedule",
                                  "rate = lr * (1 + gamma * step)^-power, steps counted from 0")
      .def(
          "__init__",
          [](ai::InverseSchedule *self, double gamma, double power) {
            new (self) ai::InverseSchedule{gamma, power};
          },
          "gamma"_a, "power"_a)
      .def_rw("gamma", &ai::InverseSchedule::gamma)
      .def_rw("power", &ai::InverseSchedule::power);

  nb::class_<ai::Recipe>(
      m, "Recipe",
      "How a model is trained: `loss` is cross_entropy, nll_loss or mse_loss; a byte u of the\n"
      "images becomes (u/255 - mean)/std; `seed` decides initial values, order and dropout.")
      .def(
          "__init__",
          [](ai::Recipe *self, std::string loss, ai::Optimizer optimizer, ai::Schedule schedule,
             int64_t batch, int64_t epochs, int64_t seed, double mean, double std) {
            new (self) ai::Recipe{loss, optimizer, schedule, batch, epochs, seed, mean, std};
          },
          "loss"_a = "cross_entropy", "optimizer"_a = ai::SGD(), "schedule"_a = nb::none(),
          "batch"_a = 64, "epochs"_a = 1, "seed"_a = 1, "mean"_a = 0.0, "std"_a = 1.0)
      .def_rw("loss", &ai::Recipe::loss)
      .def_rw("optimizer", &ai::Recipe::optimizer)
      .def_rw("schedule", &ai::Recipe::schedule, nb::for_setter(nb::arg("value").none()))
      .def_rw("batch", &ai::Recipe::batch)
      .def_rw("epochs", &ai::Recipe::epochs)
      .def_rw("seed", &ai::Recipe::seed)
      .def_rw("mean", &ai::Recipe::mean)
      .def_rw("std", &ai::Recipe::std);
}
