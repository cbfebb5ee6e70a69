// Text for people: columns that line up, and quantities as one reads them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace millrace::control::cli {

enum class Align : uint8_t { Left, Right };

struct Column {
  std::string title;
  Align align = Align::Left;
};

class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // As many cells as there are columns. `below` is printed under the row, indented, if not empty.
  void add(std::vector<std::string> cells, std::string below = {});
  bool empty() const { return rows_.empty(); }
  // Title line and rows, each ended by a newline, without blanks at the ends of lines.
  std::string text() const;

 private:
  struct Row {
    std::vector<std::string> cells;
    std::string below;
  };
  std::vector<Column> columns_;
  std::vector<Row> rows_;
};

// 85us, 4.20ms, 3.5s, 12m05s, 3h07m, 2d04h
std::string duration_text(int64_t micros);

// 412us as 0.412, the milliseconds of `rtt:`; without zeros at the end.
std::string millis_text(int64_t micros);

}  // namespace millrace::control::cli
