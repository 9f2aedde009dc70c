extension TemplateForm {
    /// All texts that are recognised; the first of a template is the one that is saved for it.
    static let known: [TemplateForm] = chatML + llama2 + llama3 + zephyr + mistral + anthropic + plain

    private static let chatMLTurn =
        "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}"
    private static let chatMLPrompt = "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
    private static let chatMLDefault =
        "{{ '<|im_start|>system\\n' }}{{ DEFAULT_SYSTEM }}{{ '<|im_end|>\\n' }}"

    private static let chatML: [TemplateForm] = [
        // OpenHermes and most fine-tuned models.
        form("{% for message in messages %}\(chatMLTurn){% endfor %}\(chatMLPrompt)") { _ in ChatTemplate(.chatML) },
        // TRL's setup_chat_format of old, the alignment handbook.
        form(
            "{% for message in messages %}\(chatMLTurn){% if loop.last and add_generation_prompt %}"
                + "{{ '<|im_start|>assistant\\n' }}{% endif %}{% endfor %}"
        ) { _ in ChatTemplate(.chatML) },
        // The transformers documentation's.
        form(
            "{% if not add_generation_prompt is defined %}{% set add_generation_prompt = false %}{% endif %}"
                + "{% for message in messages %}\(chatMLTurn){% endfor %}\(chatMLPrompt)"
        ) { _ in ChatTemplate(.chatML) },
        // SmolLM2, Qwen 2.
        form(
            "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}\(chatMLDefault)"
                + "{% endif %}\(chatMLTurn){% endfor %}\(chatMLPrompt)", chatML(default:)),
        // Qwen 2.5.
        form(
            "{% if tools %}{% anything %}{% else %}{% if messages[0]['role'] == 'system' %}"
                + "{{ '<|im_start|>system\\n' + messages[0]['content'] + '<|im_end|>\\n' }}"
                + "{% else %}\(chatMLDefault){% endif %}{% endif %}{% for message in messages %}"
                + "{% if (message.role == 'user') or (message.role == 'system' and not loop.first)"
                + " or (message.role == 'assistant' and not message.tool_calls) %}\(chatMLTurn)"
                + "{% elif message.role == 'assistant' %}{% anything %}{% elif message.role == 'tool' %}{% anything %}"
                + "{% endif %}{% endfor %}\(chatMLPrompt)", chatML(default:)),
    ]

    @Sendable
    private static func chatML(default system: String?) -> ChatTemplate {
        ChatTemplate(.chatML, ChatTemplate.Options(defaultSystem: system))
    }

    /// The same text with `content.strip()`, with `content | trim` and without either.
    private static let llama2: [TemplateForm] = [".strip()", " | trim", ""].map { strip in
        form(
            systemFirst(false) + "{% for message in loop_messages %}\(alternation)"
                + "{% if loop.index0 == 0 and system_message != false %}"
                + "{% set content = '<<SYS>>\\n' + system_message + '\\n<</SYS>>\\n\\n' + message['content'] %}"
                + "{% else %}{% set content = message['content'] %}{% endif %}"
                + "{% if message['role'] == 'user' %}{{ bos_token + '[INST] ' + content\(strip) + ' [/INST]' }}"
                + "{% elif message['role'] == 'assistant' %}{{ ' ' + content\(strip) + ' ' + eos_token }}{% endif %}"
                + "{% endfor %}"
        ) { _ in ChatTemplate(.llama2, ChatTemplate.Options(strips: !strip.isEmpty)) }
    }

    private static let alternation =
        "{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate user/assistant') }}{% endif %}"

    private static func systemFirst(_ none: Bool) -> String {
        "{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}"
            + "{% set system_message = messages[0]['content'] %}{% else %}{% set loop_messages = messages %}"
            + "{% set system_message = \(none) %}{% endif %}"
    }

    private static let llama3Prompt =
        "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% endif %}"

    private static let llama3: [TemplateForm] = [
        // Llama 3.
        form(
            "{% set loop_messages = messages %}{% for message in loop_messages %}{% set content = "
                + "'<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n'+ message['content'] | trim + "
                + "'<|eot_id|>' %}{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}"
                + "{{ content }}{% endfor %}\(llama3Prompt)"
        ) { _ in ChatTemplate(.llama3) },
        // Llama 3.1 and 3.3. (3.2 writes today's date: what it renders is not the same from day to day.)
        form(
            "{{ bos_token }}{% if custom_tools is defined %}{% set tools = custom_tools %}{% endif %}"
                + "{% if not tools_in_user_message is defined %}{% set tools_in_user_message = true %}{% endif %}"
                + "{% if not date_string is defined %}{% set date_string = \"26 Jul 2024\" %}{% endif %}"
                + "{% if not tools is defined %}{% set tools = none %}{% endif %}"
                + "{% if messages[0]['role'] == 'system' %}{% set system_message = messages[0]['content']|trim %}"
                + "{% set messages = messages[1:] %}{% else %}{% set system_message = \"\" %}{% endif %}"
                + "{{ '<|start_header_id|>system<|end_header_id|>\\n\\n' }}"
                + "{% if builtin_tools is defined or tools is not none %}{% anything %}{% endif %}"
                + "{% if builtin_tools is defined %}{% anything %}{% endif %}"
                + "{{ 'Cutting Knowledge Date: December 2023\\n' }}{{ 'Today Date: ' + date_string + '\\n\\n' }}"
                + "{% if tools is not none and not tools_in_user_message %}{% anything %}{% endif %}"
                + "{{ system_message }}{{ '<|eot_id|>' }}"
                + "{% if tools_in_user_message and not tools is none %}{% anything %}{% endif %}"
                + "{% for message in messages %}"
                + "{% if not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) %}"
                + "{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n'+ message['content'] | trim"
                + " + '<|eot_id|>' }}{% elif 'tool_calls' in message %}{% anything %}"
                + "{% elif message.role == 'tool' or message.role == 'ipython' %}{% anything %}{% endif %}{% endfor %}"
                + llama3Prompt
        ) { _ in
            let header = "Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n"
            return ChatTemplate(.llama3, ChatTemplate.Options(systemHeader: header))
        },
    ]

    private static let zephyr: [TemplateForm] = [
        // Zephyr, TinyLlama.
        form(
            "{% for message in messages %}\n"
                + "{% if message['role'] == 'user' %}\n{{ '<|user|>\\n' + message['content'] + eos_token }}\n"
                + "{% elif message['role'] == 'system' %}\n{{ '<|system|>\\n' + message['content'] + eos_token }}\n"
                + "{% elif message['role'] == 'assistant' %}\n"
                + "{{ '<|assistant|>\\n'  + message['content'] + eos_token }}\n{% endif %}\n"
                + "{% if loop.last and add_generation_prompt %}\n{{ '<|assistant|>' }}\n{% endif %}\n{% endfor %}"
        ) { _ in ChatTemplate(.zephyr) }
    ]

    private static let onlyUserAndAssistant =
        "{% else %}{{ raise_exception('expected user or assistant') }}{% endif %}{% endfor %}"

    private static let mistral: [TemplateForm] =
        ["", " "].map { space in
            // The revisions of Mistral 7B Instruct v0.1 (no space) and v0.2 (space) that allow a system message.
            form(
                "{% if messages[0]['role'] == 'system' %}{% set system_message = messages[0]['content'] %}"
                    + "{% set loop_messages = messages[1:] %}{% else %}{% set loop_messages = messages %}{% endif %}"
                    + "{{ bos_token }}{% for message in loop_messages %}\(alternation)"
                    + "{% if message['role'] == 'user' %}{% if loop.first and system_message is defined %}"
                    + "{{ '\(space)[INST] ' + system_message + '\\n\\n' + message['content'] + ' [/INST]' }}{% else %}"
                    + "{{ '\(space)[INST] ' + message['content'] + ' [/INST]' }}{% endif %}"
                    + "{% elif message['role'] == 'assistant' %}{{ ' ' + message['content'] + eos_token}}"
                    + onlyUserAndAssistant
            ) { _ in
                ChatTemplate(.mistral, ChatTemplate.Options(userPrefix: space, assistantPrefix: " "))
            }
        }
        + [("", ""), ("", " "), (" ", "")].map { (prefix: String, suffix: String) in
            // Their first texts, and Mixtral's.
            form(
                "{{ bos_token }}{% for message in messages %}\(alternation)"
                    + "{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}"
                    + "{% elif message['role'] == 'assistant' %}"
                    + "{{ '\(prefix)' + message['content'] + eos_token + '\(suffix)' }}" + onlyUserAndAssistant
            ) { _ in
                ChatTemplate(
                    .mistral,
                    ChatTemplate.Options(assistantPrefix: prefix, assistantSuffix: suffix, allowsSystem: false))
            }
        }

    private static let anthropic = withAndWithoutBOS(
        .anthropic,
        "{% for message in messages %}{% if message['role'] == 'user' %}{{ '\\n\\nHuman: ' + message['content'] }}"
            + "{% elif message['role'] == 'assistant' %}{{ '\\n\\nAssistant: ' + message['content'] }}"
            + "{% else %}{{ message['content'] }}{% endif %}{% endfor %}"
            + "{% if add_generation_prompt %}{{ '\\n\\nAssistant:' }}{% endif %}")

    private static let plain = withAndWithoutBOS(
        .plain, "{% for message in messages %}{{ message['content'] }}{% endfor %}")

    private static func withAndWithoutBOS(_ family: ChatTemplate.Family, _ text: String) -> [TemplateForm] {
        [false, true].map { writesBOS in
            form(writesBOS ? "{{ bos_token }}" + text : text) { _ in
                ChatTemplate(family, ChatTemplate.Options(takesTokenizerBOS: false, writesBOS: writesBOS))
            }
        }
    }

    private static func form(
        _ text: String, _ template: @escaping @Sendable (_ defaultSystem: String?) -> ChatTemplate
    ) -> TemplateForm {
        TemplateForm(text: text, template: template)
    }
}
