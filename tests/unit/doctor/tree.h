// A host that was made up: files, directories and links below a directory that is gone afterwards.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "control/doctor/probes.h"

namespace millrace::control::doctor::test {

class Tree {
 public:
  Tree() {
    std::string name = ::testing::TempDir() + "/mrdoctorXXXXXX";
    path_ = mkdtemp(name.data());
  }
  ~Tree() { std::filesystem::remove_all(path_); }
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;

  Tree& file(const std::string& path, const std::string& text) {
    std::filesystem::create_directories((path_ / path).parent_path());
    std::ofstream(path_ / path) << text;
    return *this;
  }
  Tree& directory(const std::string& path) {
    std::filesystem::create_directories(path_ / path);
    return *this;
  }
  // To something that need not be there.
  Tree& link(const std::string& path, const std::string& target) {
    std::filesystem::create_directories((path_ / path).parent_path());
    std::filesystem::create_symlink(target, path_ / path);
    return *this;
  }
  Tree& huge_pages(const std::string& kind, unsigned all, unsigned free) {
    const std::string pool = "sys/kernel/mm/hugepages/hugepages-" + kind + '/';
    return file(pool + "nr_hugepages", std::to_string(all) + '\n')
        .file(pool + "free_hugepages", std::to_string(free) + '\n');
  }
  Tree& nic(const std::string& address, const std::string& driver, const std::string& interface = {},
            const std::string& class_code = "0x020000") {
    const std::string device = "sys/bus/pci/devices/" + address;
    file(device + "/class", class_code + '\n');
    if (!driver.empty()) link(device + "/driver", "../../../bus/pci/drivers/" + driver);
    if (!interface.empty()) directory(device + "/net/" + interface);
    return *this;
  }
  Host host() const { return Host(path_); }
  std::string path() const { return path_; }

  Findings findings(void (*probe)(const Host&, Findings&)) const {
    Findings out;
    probe(host(), out);
    return out;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace millrace::control::doctor::test
