extension ChatTemplate {
    /// The templates that a configuration may name.
    public enum Named: String, Sendable, CaseIterable {
        /// `<|im_start|>role`, content, `<|im_end|>`: OpenHermes and most fine-tuned models.
        case chatML = "chatml"
        /// `[INST] <<SYS>>`, the system message inside the first user turn, BOS before every user turn.
        case llama2
        /// `<|start_header_id|>role<|end_header_id|>`, content, `<|eot_id|>`.
        case llama3
        /// `<|role|>`, content, EOS.
        case zephyr
        /// `[INST] content [/INST]`, as of Mistral 7B Instruct v0.1 with a system message allowed.
        case mistral
        /// `\n\nHuman: ` and `\n\nAssistant: `, as in the Anthropic HH data.
        case anthropic
        /// The contents one after another, with nothing between.
        case plain
    }

    /// The template with this name (`none` is `plain`).
    ///
    /// - Throws: `ChatTemplateError.unknownName` with the nearest known name.
    public init(named name: String) throws(ChatTemplateError) {
        let lowercase = name.lowercased()
        guard let named = Named(rawValue: lowercase == "none" ? "plain" : lowercase) else {
            let known = Named.allCases.map(\.rawValue)
            let nearest = known.min { Self.distance($0, lowercase) < Self.distance($1, lowercase) } ?? "chatml"
            throw .unknownName(name, nearest: nearest, known: known)
        }
        // Those two write no special tokens.
        try self.init(named.text, name: named.rawValue, takesTokenizerBOS: [.anthropic, .plain].contains(named))
    }

    /// Its text as it is saved with this tokenizer: transformers adds no BOS to what a template writes, so that one that takes
    /// the tokenizer's writes it.
    public func savedText(for tokenizer: Tokenizer) -> String {
        takesTokenizerBOS && tokenizer.addsBOS ? "{{ bos_token }}" + jinja : jinja
    }

    /// The number of insertions, deletions and replacements between two names.
    private static func distance(_ left: String, _ right: String) -> Int {
        let right = Array(right)
        var row = Array(0...right.count)
        for (i, character) in left.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for j in right.indices {
                let next = min(row[j], row[j + 1], diagonal - (character == right[j] ? 1 : 0)) + 1
                diagonal = row[j + 1]
                row[j + 1] = next
            }
        }
        return row[right.count]
    }
}

extension ChatTemplate.Named {
    fileprivate var text: String {
        switch self {
        case .chatML:
            "{% for message in messages %}"
                + "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}{% endfor %}"
                + "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
        case .llama2:
            Self.systemFirst + "{% for message in loop_messages %}\(Self.alternation)"
                + "{% if loop.index0 == 0 and system_message != false %}"
                + "{% set content = '<<SYS>>\\n' + system_message + '\\n<</SYS>>\\n\\n' + message['content'] %}"
                + "{% else %}{% set content = message['content'] %}{% endif %}"
                + "{% if message['role'] == 'user' %}{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}"
                + "{% elif message['role'] == 'assistant' %}{{ ' ' + content.strip() + ' ' + eos_token }}{% endif %}"
                + "{% endfor %}"
        case .llama3:
            "{% set loop_messages = messages %}{% for message in loop_messages %}{% set content = "
                + "'<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n'+ message['content'] | trim + "
                + "'<|eot_id|>' %}{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}"
                + "{{ content }}{% endfor %}"
                + "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% endif %}"
        case .zephyr:
            "{% for message in messages %}\n"
                + "{% if message['role'] == 'user' %}\n{{ '<|user|>\\n' + message['content'] + eos_token }}\n"
                + "{% elif message['role'] == 'system' %}\n{{ '<|system|>\\n' + message['content'] + eos_token }}\n"
                + "{% elif message['role'] == 'assistant' %}\n"
                + "{{ '<|assistant|>\\n'  + message['content'] + eos_token }}\n{% endif %}\n"
                + "{% if loop.last and add_generation_prompt %}\n{{ '<|assistant|>' }}\n{% endif %}\n{% endfor %}"
        case .mistral:
            "{% if messages[0]['role'] == 'system' %}{% set system_message = messages[0]['content'] %}"
                + "{% set loop_messages = messages[1:] %}{% else %}{% set loop_messages = messages %}{% endif %}"
                + "{{ bos_token }}{% for message in loop_messages %}\(Self.alternation)"
                + "{% if message['role'] == 'user' %}{% if loop.first and system_message is defined %}"
                + "{{ '[INST] ' + system_message + '\\n\\n' + message['content'] + ' [/INST]' }}{% else %}"
                + "{{ '[INST] ' + message['content'] + ' [/INST]' }}{% endif %}"
                + "{% elif message['role'] == 'assistant' %}{{ ' ' + message['content'] + eos_token}}"
                + "{% else %}{{ raise_exception('expected user or assistant') }}{% endif %}{% endfor %}"
        case .anthropic:
            "{% for message in messages %}{% if message['role'] == 'user' %}{{ '\\n\\nHuman: ' + message['content'] }}"
                + "{% elif message['role'] == 'assistant' %}{{ '\\n\\nAssistant: ' + message['content'] }}"
                + "{% else %}{{ message['content'] }}{% endif %}{% endfor %}"
                + "{% if add_generation_prompt %}{{ '\\n\\nAssistant:' }}{% endif %}"
        case .plain: "{% for message in messages %}{{ message['content'] }}{% endfor %}"
        }
    }

    private static let alternation =
        "{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
        + "{{ raise_exception('roles must alternate user/assistant') }}{% endif %}"

    private static let systemFirst =
        "{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}"
        + "{% set system_message = messages[0]['content'] %}{% else %}{% set loop_messages = messages %}"
        + "{% set system_message = false %}{% endif %}"
}
