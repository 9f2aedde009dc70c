import CFuzzer
import Foundation
import FuzzedReaders

// Usage: mpo-fuzz READER [libFuzzer's options and corpus folders]; launch/fuzz calls it.

/// What the command line names, and where its inputs are laid.
enum Subject {
    static let reader = CommandLine.arguments.dropFirst().first.flatMap(FuzzedReader.init(rawValue:))
    static let place = try? FuzzingPlace()
}

guard let reader = Subject.reader, let place = Subject.place else {
    let names = FuzzedReader.allCases.map(\.rawValue).joined(separator: " ")
    FileHandle.standardError.write(Data("usage: mpo-fuzz READER [OPTION | FOLDER]...; readers: \(names)\n".utf8))
    exit(2)
}

// The seeds are the corpus that libFuzzer starts from.
if CommandLine.arguments.dropFirst(2).first == "seeds", let folder = CommandLine.arguments.dropFirst(3).first {
    for (number, seed) in reader.seeds.enumerated() {
        try Data(seed).write(to: URL(filePath: folder).appending(path: "seed-\(number)"))
    }
    exit(0)
}

var count = CommandLine.argc - 1
var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv + 1
let status = withUnsafeMutablePointer(to: &arguments) { pointer in
    LLVMFuzzerRunDriver(&count, pointer) { bytes, length in
        if let reader = Subject.reader, let place = Subject.place {
            reader.read(Array(UnsafeBufferPointer(start: bytes, count: length)), at: place)
        }
        return 0
    }
}
place.remove()
exit(status)
