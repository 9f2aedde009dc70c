import Testing
import Torch

@Suite struct HostMemoryTests {
    @Test(
        "float32 on the CPU is staged where it lies; what is written there is written to the tensor, even before the end"
    )
    func ownMemory() {
        let tensor = Tensor([1, 2, 3] as [Float])
        tensor.withStagedFloats(for: .updating) {
            $0[1] = 7
            #expect(tensor.floats() == [1, 7, 3])
        }
        tensor.narrowed(0, 1..<3).withStagedFloats(for: .overwriting) { $0.update(repeating: 4) }
        #expect(tensor.floats() == [1, 4, 4])
    }

    @Test("other elements are staged as float32 in their order, and written back where they are changed")
    func copies() {
        for tensor in [
            Tensor([1, 2, 3, 4] as [Double], shape: [2, 2]),
            Tensor([1, 3, 2, 4] as [Float], shape: [2, 2]).transposed(0, 1),
            Tensor([1, 2, 3, 4] as [Float], shape: [2, 2]).converted(to: .bfloat16),
        ] {
            let read = tensor.withStagedFloats(for: .reading) { floats in
                defer { floats[0] = 9 }
                return Array(floats)
            }
            #expect(read == [1, 2, 3, 4] && tensor.floats() == read)
            tensor.withStagedFloats(for: .updating) { $0[2] += 5 }
            #expect(tensor.floats() == [1, 2, 8, 4])
            tensor.withStagedFloats(for: .overwriting) { floats in floats.indices.forEach { floats[$0] = Float($0) } }
            #expect(tensor.floats() == [0, 1, 2, 3])
        }
    }

    @Test("several tensors are read at once, each with its own elements")
    func together() {
        let leaves = Leaves([([1, 2], [2])])
        let read = Tensor.doubles(of: [
            leaves[0] * 2, Tensor([3] as [Int64]), Tensor([] as [Float]),
            Tensor([0.1, 5, 6, 7] as [Double], shape: [2, 2]),
            Tensor([4] as [Float]).sum(),
        ])
        #expect(read == [[2, 4], [3], [], [0.1, 5, 6, 7], [4]])
        #expect(Tensor.doubles(of: []).isEmpty)
    }

    @Test("tensors are made with a type and a device, and say so")
    func placement() {
        #expect(Tensor.zeros([2]).placement == .float32)
        #expect(Tensor.full(3, [2], Placement(.int32)).placement == Placement(.int32, on: .cpu))
        #expect(Tensor.empty([2], .bfloat16).type == .bfloat16)
        #expect(Tensor([1, 2] as [Float]).placed(.float64).placement == .float64)
    }
}
