<?php
// What the programs for mysqli and PDO have in common.

function env(string $name): string
{
    return getenv("CONF_$name");
}

function section(string $name): void
{
    echo "\n## $name\n";
}

function line(string $text): void
{
    echo '  ', $text, "\n";
}

/** Values with their types; long ones as length and hash. */
function values(array $row): string
{
    return implode(' | ', array_map(
        fn($v) => get_debug_type($v) . ' ' . (is_string($v) && strlen($v) > 100 ? '[' . strlen($v) . '] ' . md5($v) : var_export($v, true)),
        $row));
}
