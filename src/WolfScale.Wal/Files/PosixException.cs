namespace WolfScale.Wal;

/// <summary>A system call failed: which, on what, and why.</summary>
public sealed class PosixException(string call, string path, int error, string reason)
    : IOException($"{call} failed on {path}: {reason} (errno {error})")
{
    /// <summary>EIO.</summary>
    public const int InputOutputError = 5;

    /// <summary>ENOSPC.</summary>
    public const int NoSpace = 28;

    /// <summary>EDQUOT.</summary>
    public const int QuotaExceeded = 122;

    /// <summary>The call's name, as in section 2 of the manual.</summary>
    public string Call { get; } = call;

    /// <summary>The file or folder.</summary>
    public string Path { get; } = path;

    /// <summary>The value of errno.</summary>
    public int Error { get; } = error;

    /// <summary>Whether space ran out (ENOSPC or EDQUOT), which passes when someone makes room.</summary>
    public bool IsDiskFull => Error is NoSpace or QuotaExceeded;
}
