using WolfScale.Ctl.Tuning;

namespace WolfScale.Unit.Ctl;

/// <summary>As <c>diff -u</c> shows it.</summary>
public class UnifiedDiffTests
{
    [Fact]
    public void Changes_come_with_their_surroundings() => Assert.Equal(
        ["--- f", "+++ f", "@@ -2,7 +2,7 @@", " b", " c", " d", "-e", "+E", " f", " g", " h"],
        UnifiedDiff.Of("f", "a\nb\nc\nd\ne\nf\ng\nh\ni\n", "a\nb\nc\nd\nE\nf\ng\nh\ni\n"));

    [Fact]
    public void A_new_file_is_all_new() => Assert.Equal(["--- /dev/null", "+++ f", "@@ -0,0 +1,2 @@", "+a", "+b"], UnifiedDiff.Of("f", "", "a\nb\n"));

    [Fact]
    public void The_same_text_is_no_difference() => Assert.Empty(UnifiedDiff.Of("f", "a\n", "a\n"));
}
