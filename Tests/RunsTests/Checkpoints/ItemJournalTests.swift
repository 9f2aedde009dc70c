import Foundation
import Runs
import Stages
import TestSupport
import Testing
import Training

@Suite("The journal of a stage of items")
struct ItemJournalTests {
    @Test("What was found is there again after a sudden end; what was written in part is found anew")
    func resumes() throws {
        try TestSupport.withTemporaryDirectory { directory in
            let file = directory.appending(path: "progress.jsonl")
            let first = try ItemJournal<Double>(directory)
            try first.append([0.1, -.infinity])
            try first.append([1e-7])
            let whole = try Data(contentsOf: file)
            for torn in ["[2.5", "[2.5]", "\u{0}\u{0}\n", "[3]x\n[4]\n"] {
                try (whole + Data(torn.utf8)).write(to: file)
                let second = try ItemJournal<Double>(directory)
                #expect(second.items == [0.1, -.infinity, 1e-7])
                try second.append([2.5])
                #expect(try ItemJournal<Double>(directory).items == [0.1, -.infinity, 1e-7, 2.5])
            }
        }
    }
}
