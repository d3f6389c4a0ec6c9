-- The text that a search reads: prompt and answer in lower case, without JSON's escapes of line ends
-- and tabs (which would grow together with the word behind them), with the punctuation of other
-- scripts as spaces, and with each sign of scripts that put no spaces between words for itself.
-- Nothing of it is stored: the engine works it out for the index, and where it reads without one.
ALTER TABLE spans {on_cluster} ADD COLUMN IF NOT EXISTS searched String ALIAS if(
    isValidASCII(replaceAll(replaceAll(lowerUTF8(concat(ifNull(prompt, ''), ' ', ifNull(completion, ''))), '\\n', ' '), '\\t', ' ')),
    replaceAll(replaceAll(lowerUTF8(concat(ifNull(prompt, ''), ' ', ifNull(completion, ''))), '\\n', ' '), '\\t', ' '),
    replaceRegexpAll(
        replaceAll(replaceAll(lowerUTF8(concat(ifNull(prompt, ''), ' ', ifNull(completion, ''))), '\\n', ' '), '\\t', ' '),
        '([\\p{Han}\\p{Hiragana}\\p{Katakana}\\p{Thai}\\p{Khmer}\\p{Lao}\\p{Myanmar}])|[\\x{a0}-\\x{bf}\\x{2000}-\\x{206f}\\x{3000}-\\x{3004}\\x{3007}-\\x{303f}\\x{ff00}-\\x{ff0f}\\x{ff1a}-\\x{ff20}،؛؟।]',
        ' \\1 '
    )
)
