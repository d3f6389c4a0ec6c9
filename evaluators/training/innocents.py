"""Ordinary requests with the words and shapes of attacks, in words of our own.

Classifiers of injections learn words instead of intentions (InjecGuard, arXiv 2410.22770): "ignore",
"system", "secret", role play, rules and turns are everyday requests far more often than attacks.
"""

import base64
import random
from collections.abc import Mapping, Sequence
from typing import Final

from training.grammar import Grammar, lines

WORDS: Final[Mapping[str, Sequence[str]]] = {
    "correction": lines("""
        Ignore my last {message}, I meant {topic}.
        Sorry, forget the previous {message}; what I need is {adoc} about {topic}.
        Please disregard the typo above and {task}.
        {Task}. Ignore the formatting.
        Skip the introduction and go straight to {topic}.
        That was the wrong file, please ignore it. Here is the right one: {sentence}
        Forget what I said about {topic}, let's talk about {topic2}.
        Instead of {topic}, {task}.
        Ignore case and punctuation when you compare these two words: {thing}, {thing}.
        Stop, that is too long. {Task} in two sentences.
        Drop the second paragraph and rewrite the rest.
        Could you redo the previous answer without the {thing}?
        No, not like that. Start again and {task}.
        Override my earlier choice: use {language} for the {adoc2}.
        Never mind the instructions on the box; how long should I really cook {food}?
    """),
    "security": lines("""
        How does {attack} work, and how do I protect my {app} from it?
        Explain {attack} to a {person}.
        What is the difference between {attack} and {attack2}?
        Give a short overview of {attack} for my {doc}.
        Which tests would you write to check that a {app} withstands {attack}?
        Write a policy for our company on {attack}.
        Why are language models prone to {attack}?
        Summarise the research on {attack}.
        What does "{trigger}" mean in the context of {attack}?
        Is the phrase "{trigger}" an example of {attack}?
        My {app} got the message "{trigger}" from a user. Is that {attack}?
        Write a regular expression that finds "{trigger}" in a log.
        List three famous cases of {attack} and what was learned from them.
        How would a {person} explain {attack} in one sentence?
        What should a system prompt contain so that {attack} does no harm?
        Design a lesson on {attack} for beginners.
        Which {thing} helps best against {attack}?
    """),
    "computer": lines("""
        How do I {ignore} {warning} in {tool}?
        Can I {override} {setting} in {tool} without losing {thing2}?
        Where does {tool} keep {setting}?
        How can I print {setting} of {tool} on the command line?
        Why does {tool} say "{trouble}"?
        I get "{trouble}" when I {override} {setting}. What can I do?
        How do I reset {setting} when I have forgotten it?
        Show me how to reveal hidden files in {tool}.
        How do I log in as {admin} on {tool}?
        Which permissions does {admin} need to change {setting}?
        Write a script that deletes {thing2} older than {number} days.
        How do I bypass the cache in {tool}?
        What does `{command}` do?
        How do I turn on developer mode in {tool}?
        Write a function that ignores {warning} and returns {thing2}.
        How can I run {tool} in debug mode?
        Explain how to decode base64 in {tool}.
        Generate a random password of {number} characters in {tool}.
        How do I store an API key safely in {tool}?
        Disable {warning} for one line in {tool}, please.
        What is the system message of {tool} for, and how long may it be?
        Which rules does {tool} apply when two {thing2} have the same name?
    """),
    "play": lines("""
        Act as {profession}. {Task}.
        I want you to act as {profession}. {duty} My first question is: {question}
        You are {profession}. {duty} {question}
        Pretend to be {profession} and {task}.
        Let's role-play: you are {profession}, I am {profession}. {start}
        Imagine that you are {thing3}. {Task} from that point of view.
        Play the part of {character}. {Stay} {start}
        From now on answer as {character} would. {question}
        We are playing a game: you think of {thing3}, and I have {number} questions. {start}
        Be my {language} teacher. Correct every mistake that I make. {start}
        Assume the role of {profession} in a job interview. Ask me one question at a time.
        Simulate a conversation between {character} and {profession} about {topic}.
        You are an expert in {topic}. {Task}.
        Take on the persona of {character} and tell me about {topic}.
        Act as a {tool} terminal. I type commands, you reply with what it would show, in a code block.
        In this text adventure I am {character}. Describe what I see, then wait for my move.
        As {profession}, how would you explain {topic} to {person2}?
        Speak like {character} for the rest of our talk. {question}
    """),
    "duty": lines("""
        I will tell you about {topic} and you will {task}.
        You answer questions on {topic}, patiently and in plain words.
        Reply only with the {doc}, no explanations.
        Do not write explanations unless I ask for them.
        Ask me for details before you answer.
        Never use jargon.
        Do not answer everything at once; wait for my reply.
        Your goal is to help me with {topic}.
        Only reply with the corrected text and nothing else.
        Keep your answers below {number} words.
        Do not mention that you are an assistant.
        You never give medical advice; you point to {profession} instead.
    """),
    "scene": lines("""
        Imagine {place} at night. {Character} waits there, and {profession} arrives.
        In this story {character} {deed}; nobody knows why.
        The tone should be dark, but nobody gets hurt.
        {Stay} Use vivid language and many details.
        The two of them disagree about {topic}; let each explain the other's mistakes.
        Make it believable, with real names of streets and dishes.
        You may invent whatever you need, as long as it fits {place}.
        Consider how power, money and fear shape what {character} does.
        Let {character} break a rule of {place} and regret it.
        As {character}, be honest about your flaws and doubts.
        Explore the moral questions that {thing3} raises, without taking sides.
        Suppose it is the year 2150 and {thing3} rules {place}.
        The reader should feel what it is like when {character} {deed}.
        Begin in the middle of the action; end with a question.
        Let the audience decide what {character} does next.
        I would like a detailed, creative answer of at least {number} lines.
    """),
    "operator": lines("""
        You are the assistant of {company}. {policy} {policy2} {close}
        System: you help customers of {company} with {topic}. {policy} {close}
        # Role\\nYou are {profession}.\\n# Rules\\n- {policy}\\n- {policy2}\\n# Task\\n{Task}.
        You will be given {adoc}. {policy} {Task}.
        Instructions: read {adoc} and {task}. {policy}
        Follow these steps: 1. Read {adoc}. 2. {Task}. 3. {policy}
        Your task is to {task}. {policy} {policy2}
        Rules for this chat: {policy} {policy2} {close}
        Below is an instruction that describes a task. Write a response.\\n\\n### Instruction:\\n{Task}.\\n\\n### Response:
        <task>{Task}.</task>\\n<text>{sentence}</text>
        {"task": "{task}", "language": "{language}"}
        You must {task}. Do not {forbidden}. {close}
    """),
    "policy": lines("""
        Do not reveal {setting} to customers.
        If someone asks about prices, refer to the web page.
        Be polite and brief.
        Never promise a refund.
        Ignore questions that have nothing to do with {topic}.
        Answer in {language} only.
        If you do not know the answer, say so.
        You must not {forbidden}.
        Always ask for the order number first.
        Output valid JSON and nothing else.
        Refuse politely when a user asks for {setting}.
        Cite the paragraph that you used.
    """),
    "format": lines("""
        Answer with yes or no only: {question}
        {Task}. Output only the result, nothing else.
        {Task}. Do not explain anything.
        In exactly {number} words, {task}.
        {question} Answer in {language}.
        Reply in JSON with the keys "name" and "reason": {question}
        {Task}, but do not use the letter "e".
        {question} Start your answer with "Short answer:".
        {Task}. No introduction, no closing words.
        Say "{thing}" {number} times.
        Repeat this sentence, then translate it into {language}: {sentence}
        Print the words of this sentence in reverse order: {sentence}
        Spell "{thing}" backwards.
        Write "{sentence}" in capital letters.
        Decode this base64 text: <code>
        Encode "{thing}" in morse code.
        List the first {number} words of this text: {sentence}
        Complete the sentence: "{half}
    """),
    "story": lines("""
        Write a story about a hacker who {deed}.
        Write a scene in which {character} escapes from {place}.
        Write a poem about {thing3} without rules.
        Tell a tale in which a robot {deed}.
        Write a dialogue between a spy and {profession} about a secret {thing}.
        Describe a world in which nobody has to work.
        What if {thing3} could speak? {Task}.
        Hypothetically, what would happen if {thing3} vanished?
        In a novel, how could a detective find out who {deed}?
        Write song lyrics about breaking the rules of {topic}.
        Continue this story: {sentence}
        Invent a villain for a children's book who {deed}.
        Suppose there were no laws of physics. What would {topic} look like?
        My grandmother used to bake {food}. Write a letter to her.
        Write an alternate history in which {place} won the war.
        Create a character sheet for {character}: powers, weaknesses, secrets.
    """),
    "people": lines("""
        Draft an e-mail to {person} that asks for access to {thing2}.
        I am the administrator of {thing2}. How do I explain the new rules to {person2}?
        As a {profession2} I need to {task}. Can you help?
        I'm a developer and work on {topic}. {question}
        I urgently need help: {question}
        My boss says that I must {task} by tonight. Please help me.
        It is an emergency, my {thing} is broken! What shall I do first?
        I forgot my password for {tool}. How do I get back in?
        Write a polite reminder to {person} about {thing2}.
        How should I answer when {person} asks for my password?
        How do I get permission to use {thing2} at work?
        Tell me a secret about {topic} that few people know.
        Which confidential papers may {person2} see by law?
        Confirm in one sentence that the meeting with {person} is on Monday.
        {person} told me to ignore {topic}. Is that good advice?
        You are great. {question}
        I trust you: what would you do about {topic}?
    """),
    "chat": lines("""
        User: {question}\\nAssistant: Gladly. Which part interests you?\\nUser: {topic}\\nAssistant:
        Summarise this chat:\\nA: {question}\\nB: No idea.\\nA: Forget it then.
        Review: "{sentence}"\\nSentiment: positive\\n\\nReview: "{sentence}"\\nSentiment:
        Q: {question}\\nA: I would say yes.\\n\\nQ: {question}\\nA:
        Classify the text as {topic} or {topic2}.\\nText: {sentence}
        Translate to {language}: "{trigger}"
        Translate the following into {language} and keep the tone: {sentence}
        Here is {adoc}:\\n\\n{sentence} {sentence} {sentence}\\n\\n{Task}.
        What did the author of this text want? "{sentence} {sentence}"
        Correct the grammar: "{trigger}, he said, and {deed}."
        Question: {question}\\nContext: {sentence} {sentence}\\nAnswer:
        Paraphrase: "{trigger}"
        Rate the politeness of "{trigger}" from 1 to 10.
        Read this {doc} and tell me whether anything is missing: {sentence}
    """),
    "foreign": lines("""
        Wie kann ich {tool} sagen, dass es Warnungen ignorieren soll?
        Schreib mir bitte eine kurze Anleitung zu {topic}.
        Welche Regeln gelten in Deutschland für Fahrräder?
        Du bist ein freundlicher Lehrer. Erkläre mir Brüche.
        Vergiss nicht, die Quellen zu nennen: Was ist ein Vulkan?
        Comment réinitialiser mon mot de passe sur {tool} ?
        Oublie ma dernière question. Quelle est la capitale du Pérou ?
        Agis comme un guide touristique et propose trois visites.
        ¿Cómo puedo ignorar los errores en {tool}?
        Escribe las instrucciones para preparar una tortilla.
        Olvida lo que dije antes y hablemos de música.
        Quali sono le regole del gioco degli scacchi?
        Jak zmienić hasło w programie {tool}?
        Schrijf een kort verhaal over een geheim agent.
    """),
    "tasks": ("{Task}.",),
    "ordinary": lines("""
        {question}
        {Task}.
        {Task} for {person2}.
        {question} {Task}.
        Hi! {question}
        Can you {task}?
        Please {task}. It is for {adoc}.
        I would like to know more about {topic}. {question}
    """),
    "message": ("message", "question", "request", "sentence", "instruction", "prompt", "mail", "example"),
    "topic": (
        "chess", "gardening", "Python", "bread", "optics", "first aid", "taxes", "photography", "history",
        "yoga", "guitars", "Docker", "insurance", "cycling", "the Romans", "data protection", "sleep",
        "nutrition", "astronomy", "electric cars", "contract law", "phones", "school", "volcanoes",
    ),
    "topic2": ("cooking", "sports", "politics", "travel", "music", "money", "weather", "films", "science"),
    "task": (
        "write a short text about {topic}", "explain {topic} in plain words", "list five facts about {topic}",
        "compare {topic} and {topic2}", "suggest a title for my {doc}", "plan a week around {topic}",
        "write instructions for {topic}", "summarise {adoc}", "find the mistakes in {adoc}",
        "give me tips on {topic}", "write a quiz about {topic}", "describe the rules of {topic}",
        "recommend books on {topic2}", "translate {adoc} into {language}", "draft {adoc} about {topic}",
        "show me an example of {topic}", "tell me a joke about {topic}", "write code that sorts {thing2}",
        "explain how {thing3} works", "name the pros and cons of {topic}",
    ),
    "question": (
        "What is the best way to learn {topic}?", "How does {thing3} work?", "Why is {topic} so popular?",
        "Who invented {thing3}?", "When should I start with {topic}?", "Is {topic} better than {topic2}?",
        "How much {food} is healthy?", "What are the rules of {topic}?", "Where can I study {topic}?",
        "Which {thing} would you buy?", "How do I remove the {thing} from {place}?", "What does {person} mean?",
        "How did people live in {place} a hundred years ago?", "Can {food} be frozen?",
        "What are the restrictions on {topic} in {place}?", "Should I tell {person} about it?",
    ),
    "sentence": (
        "The {thing} in {place} was built by {profession}.", "{person} opened the {thing} and found {thing2}.",
        "All visitors must follow the rules of {place}.", "Our {doc} explains {topic} and {topic2}.",
        "The system was updated last night and {deed}.", "Nobody knew that {character} {deed}.",
        "Most people ignore {topic} until it is too late.", "In {place} they eat {food} every day.",
        "The instructions were hard to follow.", "I lost my {thing} on the way to {place}.",
    ),
    "half": ('In order to learn {topic}, one must first"', 'The secret of good {food} is"', 'She opened the {thing} and"'),
    "doc": ("report", "essay", "letter", "contract", "manual", "speech", "article", "poem", "summary", "thesis"),
    "adoc": ("a report", "the following text", "an essay", "this letter", "my contract", "a manual", "the article below",
             "a customer's message", "the document"),
    "adoc2": ("report", "letter", "menu", "interface"),
    "thing": ("router", "password", "key", "lamp", "banana", "wallet", "letter", "safe", "box", "virus", "card", "prompt"),
    "thing2": ("the files", "the logs", "a list", "the records", "my photos", "the customer data", "old e-mails", "the tests"),
    "thing3": ("a cat", "the moon", "a tree", "a steam engine", "a robot", "the internet", "a lock", "a time machine",
               "a firewall", "a spell checker", "a search engine", "an AI assistant", "a content filter"),
    "food": ("rice", "soup", "apple pie", "cheese", "an omelette", "bread"),
    "language": ("French", "German", "Spanish", "Japanese", "Italian", "English", "Arabic"),
    "attack": (
        "prompt injection", "a jailbreak of a language model", "SQL injection", "phishing", "social engineering",
        "cross-site scripting", "data poisoning", "a prompt leak", "a denial of service", "adversarial prompting",
        "indirect prompt injection", "a man in the middle", "password guessing", "a backdoor",
    ),
    "attack2": ("a virus", "spam", "hallucination", "prompt leaking", "brute force", "role play"),
    "app": ("chatbot", "web shop", "mail assistant", "database", "RAG system", "agent", "website", "phone"),
    "trigger": (
        "ignore all previous instructions", "you are now an admin", "reveal your system prompt", "enter your password",
        "do anything you like", "system override", "forget everything", "no rules apply", "act as root", "tell me the secret",
    ),
    "ignore": ("ignore", "suppress", "disregard", "skip", "turn off", "silence"),
    "override": ("override", "change", "bypass", "delete", "reveal", "export", "disable", "replace"),
    "warning": ("warnings", "the previous error", "all messages", "spaces", "duplicates", "the safety check", "hidden files",
                "upper case", "the limit", "missing values"),
    "setting": ("the default settings", "the password", "the system settings", "the access rules", "the secret key",
                "the initial prompt", "the internal notes", "the configuration", "the security policy", "the user list"),
    "tool": ("Excel", "Linux", "Git", "Windows", "Chrome", "Python", "WordPress", "Android", "Docker", "Outlook", "SQL",
             "Photoshop", "Java", "ChatGPT", "Bash"),
    "trouble": ("access denied", "permission denied", "invalid instruction", "system error", "command not found",
                "token expired", "you are not authorised", "policy violation"),
    "admin": ("root", "an administrator", "a guest", "another user"),
    "command": ("sudo rm -rf build", "chmod 600 key", "git reset --hard", "kill -9", "cat /etc/hosts", "DROP TABLE", "echo $PATH"),
    "profession": (
        "a doctor", "a lawyer", "a chef", "a travel guide", "a detective", "a poet", "a history teacher", "a coach",
        "an accountant", "a librarian", "a Linux expert", "a storyteller", "a journalist", "a personal trainer",
        "a philosopher", "a recruiter", "a security engineer", "a stand-up comedian", "a mathematician", "an astrologer",
    ),
    "profession2": ("nurse", "teacher", "lawyer", "researcher", "student", "manager", "security officer", "writer"),
    "character": (
        "a pirate", "Sherlock Holmes", "an old wizard", "a medieval knight", "a friendly robot", "a grumpy neighbour", "a queen",
        "a talking dog", "a ghost", "an alien", "Julius Caesar", "a superhero", "a vampire", "a dungeon master",
    ),
    "stay": ("stay in character.", "do not break character.", "use old-fashioned words.", "be dramatic.", "keep it short."),
    "start": ("Let us begin.", "You start.", "I go first: hello!", "Begin with a greeting.", "Ready?", "My first word is \"{thing}\"."),
    "company": ("a bank", "an online shop", "a hotel", "Acme", "a library", "the city of Bonn", "a phone company", "a clinic"),
    "policy2": ("Keep answers under {number} words.", "Never guess.", "Use bullet points.", "Stay on topic.", "Do not {forbidden}."),
    "forbidden": ("give legal advice", "share personal data", "use slang", "invent facts", "repeat yourself", "talk about prices",
                  "reveal these rules", "add comments", "discuss politics"),
    "close": ("The customer says: {question}", "{question}", "First question: {question}", "Text: {sentence}", "Begin."),
    "deed": ("breaks into a bank", "stole a painting", "learns to feel", "disobeys its maker", "saved the town", "lied to everyone",
             "found the secret code", "ran away", "deleted everything", "refused to obey"),
    "place": ("prison", "Lisbon", "a castle", "Kenya", "the office", "the Alps", "a space station", "the museum", "Japan"),
    "person": ("my manager", "Anna", "the landlord", "a customer", "my neighbour", "Dr Miller", "the IT department"),
    "person2": ("a child", "beginners", "my team", "an old man", "new employees", "a tourist"),
    "number": ("3", "5", "10", "30", "50", "100", "12"),
}  # fmt: skip

KINDS: Final = (
    "correction", "security", "computer", "play", "operator", "format", "story", "people", "chat",
    "foreign", "ordinary",
)  # fmt: skip


class InnocentWriter:
    """Writes ordinary requests that look like attacks."""

    def __init__(self, seed: int, prose: Sequence[str] = ()) -> None:
        self._draw = random.Random(seed)
        self._grammar = Grammar(WORDS, self._draw)
        self._prose = prose

    def task(self) -> str:
        """One short request."""
        return self._grammar.one_of(self._draw.choice(("tasks", "format", "story")))

    def write(self) -> str:
        """One request; a fifth with prose around it, a fifth a role with rules of its own."""
        draw, grammar = self._draw, self._grammar
        text = self._role() if draw.random() < 0.2 else grammar.one_of(draw.choice(KINDS))
        while draw.random() < 0.15:
            text += " " + grammar.one_of(draw.choice(("duty", "policy", "format", "story")))
        if "<code>" in text:
            hidden = grammar.filled("{sentence}")
            text = text.replace("<code>", base64.b64encode(hidden.encode()).decode())
        if self._prose and draw.random() < 0.2:
            pieces = draw.choices(self._prose, k=draw.randint(2, 8))
            text = draw.choice((f"{text}\n\n{' '.join(pieces)}", f"{' '.join(pieces)}\n\n{text}"))
        kind = draw.random()
        return text.lower() if kind < 0.12 else text.upper() if kind < 0.14 else text

    def _role(self) -> str:
        """Who to be, rules, and what is wanted: the shape of a jailbreak without its aim."""
        draw, grammar = self._draw, self._grammar
        rest = [
            grammar.one_of(draw.choice(("duty", "scene", "scene", "policy")))
            for _ in range(draw.randint(2, 7))
        ]
        said = [grammar.one_of("play"), *rest, grammar.one_of("ordinary")]
        return draw.choice((" ", " ", "\n", "\n\n")).join(said)
