// The reference, written from the schema. The committed config/reference.md is markdown_reference(); a test
// fails when the two differ.
#pragma once

#include <string>

namespace millrace::config {

std::string markdown_reference();
std::string text_reference();
std::string json_reference();

// The page millrace.conf(5).
std::string conf_man_page();

}  // namespace millrace::config
