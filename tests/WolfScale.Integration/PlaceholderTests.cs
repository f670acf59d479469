namespace WolfScale.Integration;

public class PlaceholderTests
{
    [Fact]
    public void The_test_runner_works() => Assert.Equal(4, 2 + 2);
}
