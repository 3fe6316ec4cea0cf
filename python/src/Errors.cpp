// llvm::Error -> Python exceptions; lines of Python -> places.

#include "Bindings.h"
#include <frameobject.h>
#include <nanobind/stl/string.h>

using namespace aic;

static PyObject *compileError;

void aic::bindErrors(nb::module_ &m) {
  std::string name = nb::cast<std::string>(m.attr("__name__")) + ".CompileError";
  nb::dict members;
  for (const char *member : {"filename", "lineno", "offset"})
    members[member] = nb::none();
  compileError = PyErr_NewExceptionWithDoc(
      name.c_str(),
      "A model that the compiler refuses. `filename`, `lineno` and `offset` say which line of\n"
      "Python wrote it (None where that is not known); the text has a line for each message.",
      PyExc_ValueError, members.ptr());
  m.attr("CompileError") = nb::handle(compileError);
}

[[noreturn]] static void raiseCompileError(const ai::CompileError &error) {
  nb::object exception = nb::handle(compileError)(error.message());
  const ai::Place &place = error.messages.front().place;
  exception.attr("filename") = place.line ? nb::cast(place.file.c_str()) : nb::none();
  exception.attr("lineno") = place.line ? nb::cast(place.line) : nb::none();
  exception.attr("offset") = place.line ? nb::cast(place.column) : nb::none();
  PyErr_SetObject(compileError, exception.ptr());
  throw nb::python_error();
}

[[noreturn]] static void raiseRuntimeError(const ai::RuntimeError &error) {
  PyObject *type = PyExc_RuntimeError;
  if (error.status == AI_RT_INVALID)
    type = PyExc_ValueError;
  else if (error.status == AI_RT_BAD_FILE)
    type = PyExc_OSError;
  else if (error.status == AI_RT_NO_MEMORY)
    type = PyExc_MemoryError;
  else if (error.status == AI_RT_NAN)
    type = PyExc_FloatingPointError;
  PyErr_SetString(type, error.text.c_str());
  throw nb::python_error();
}

void aic::raise(llvm::Error error) {
  if (PyErr_Occurred()) {
    llvm::consumeError(std::move(error));
    throw nb::python_error();
  }
  // The handlers may not throw: they are called by code that is compiled without exceptions.
  std::unique_ptr<llvm::ErrorInfoBase> info;
  llvm::handleAllErrors(std::move(error),
                        [&](std::unique_ptr<llvm::ErrorInfoBase> e) { info = std::move(e); });
  if (!info)
    return;
  if (info->isA<ai::CompileError>())
    raiseCompileError(static_cast<ai::CompileError &>(*info));
  if (info->isA<ai::RuntimeError>())
    raiseRuntimeError(static_cast<ai::RuntimeError &>(*info));
  throw std::runtime_error(info->message());
}

/// Whether the code belongs to this package.
static bool isOurs(nb::handle filename) {
  static const std::string folder = [] {
    std::string file = nb::cast<std::string>(nb::module_::import_("aic").attr("__file__"));
    return file.substr(0, file.rfind('/') + 1);
  }();
  return nb::cast<std::string>(filename).rfind(folder, 0) == 0;
}

ai::Place aic::callerPlace() {
  nb::object frame = nb::borrow(reinterpret_cast<PyObject *>(PyEval_GetFrame()));
  while (frame.is_valid() && !frame.is_none()) {
    auto *raw = reinterpret_cast<PyFrameObject *>(frame.ptr());
    nb::object code = nb::steal(reinterpret_cast<PyObject *>(PyFrame_GetCode(raw)));
    nb::object filename = code.attr("co_filename");
    if (!isOurs(filename)) {
      int line = 0, column = 0, endLine = 0, endColumn = 0;
      if (!PyCode_Addr2Location(reinterpret_cast<PyCodeObject *>(code.ptr()), PyFrame_GetLasti(raw),
                                &line, &column, &endLine, &endColumn))
        line = PyFrame_GetLineNumber(raw), column = 0;
      return {nb::cast<std::string>(filename), unsigned(std::max(line, 0)),
              unsigned(std::max(column, 0) + 1)};
    }
    frame = frame.attr("f_back");
  }
  return {};
}
