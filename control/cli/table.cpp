#include "control/cli/table.h"

#include <fmt/format.h>

#include <algorithm>

namespace millrace::control::cli {

namespace {

// Characters as a terminal counts them: octets that continue a UTF-8 sequence take no room.
size_t width_of(const std::string& text) {
  return static_cast<size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string padded(const std::string& text, size_t width, Align align) {
  const std::string blanks(width - std::min(width, width_of(text)), ' ');
  return align == Align::Left ? text + blanks : blanks + text;
}

}  // namespace

void Table::add(std::vector<std::string> cells, std::string below) {
  cells.resize(columns_.size());
  rows_.push_back({std::move(cells), std::move(below)});
}

std::string Table::text() const {
  std::vector<size_t> widths;
  for (size_t i = 0; i < columns_.size(); ++i) {
    widths.push_back(width_of(columns_[i].title));
    for (const Row& row : rows_) widths[i] = std::max(widths[i], width_of(row.cells[i]));
  }
  std::string out;
  const auto put = [&](size_t i, const std::string& cell) {
    if (i > 0) out += "  ";
    out += padded(cell, widths[i], columns_[i].align);
  };
  const auto end_line = [&] {
    out.erase(out.find_last_not_of(' ') + 1);
    out += '\n';
  };
  for (size_t i = 0; i < columns_.size(); ++i) put(i, columns_[i].title);
  end_line();
  for (const Row& row : rows_) {
    for (size_t i = 0; i < columns_.size(); ++i) put(i, row.cells[i]);
    end_line();
    if (!row.below.empty()) out += "    " + row.below + "\n";
  }
  return out;
}

std::string duration_text(int64_t micros) {
  const int64_t seconds = micros / 1'000'000;
  if (micros < 1'000) return fmt::format("{}us", micros);
  if (seconds < 1) return fmt::format("{:.2f}ms", static_cast<double>(micros) / 1e3);
  if (seconds < 60) return fmt::format("{:.1f}s", static_cast<double>(micros / 100'000) / 10);
  if (seconds < 3600) return fmt::format("{}m{:02}s", seconds / 60, seconds % 60);
  if (seconds < 86'400) return fmt::format("{}h{:02}m", seconds / 3600, seconds / 60 % 60);
  return fmt::format("{}d{:02}h", seconds / 86'400, seconds / 3600 % 24);
}

std::string millis_text(int64_t micros) {
  std::string out = fmt::format("{}.{:03}", micros / 1000, micros % 1000);
  out.erase(out.find_last_not_of('0') + 1);
  if (out.back() == '.') out.pop_back();
  return out;
}

}  // namespace millrace::control::cli
