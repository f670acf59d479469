namespace WolfScale.Settings;

/// <summary>Comparing all nodes by themselves, as <c>wolfctl verify</c> does on demand.</summary>
public sealed record VerifySection
{
    /// <summary>The leader compares all nodes this long after they were last compared; 0: never by itself.</summary>
    [Within(0, 8760)]
    [Live]
    public int IntervalHours { get; init; }
}
