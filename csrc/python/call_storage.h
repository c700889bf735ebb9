// What one call keeps while it runs, on the stack for usual programs. Apart from the call itself, since only
// the lifetimes matter here.
#pragma once

#include <Python.h>

#include <cstddef>
#include <cstring>
#include <vector>

namespace graphc::python {

// Owned references of one call, on the stack for usual programs.
class References {
 public:
  explicit References(std::size_t count)
      : many_(count > kInline ? count : 0), items_(many_.empty() ? few_ : many_.data()), count_(count) {
    if (many_.empty()) std::memset(few_, 0, count * sizeof(PyObject*));
  }
  References(const References&) = delete;
  References& operator=(const References&) = delete;
  ~References() {
    for (std::size_t i = 0; i < count_; ++i) Py_XDECREF(items_[i]);
  }
  PyObject*& operator[](std::size_t i) { return items_[i]; }

 private:
  static constexpr std::size_t kInline = 16;
  PyObject* few_[kInline];
  std::vector<PyObject*> many_;
  PyObject** items_;
  std::size_t count_;
};

// As References, for plain numbers and pointers.
template <typename T>
class Buffer {
 public:
  explicit Buffer(std::size_t count)
      : many_(count > kInline ? count : 0), items_(many_.empty() ? few_ : many_.data()) {}
  T* data() { return items_; }
  T& operator[](std::size_t i) { return items_[i]; }

 private:
  static constexpr std::size_t kInline = 32;
  T few_[kInline];
  std::vector<T> many_;
  T* items_;
};

}  // namespace graphc::python
