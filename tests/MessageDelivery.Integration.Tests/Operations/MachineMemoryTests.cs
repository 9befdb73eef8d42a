using MessageDelivery.Cli.Doctor;
using MessageDelivery.Hub.Linux;

namespace MessageDelivery.Integration.Tests.Operations;

/// <summary>What memory there is: the machine's, or what the control groups around the process leave of it.</summary>
public sealed class MachineMemoryTests : IDisposable
{
    private const long GiB = 1L << 30;
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("machine");

    public MachineMemoryTests() => Write("proc/meminfo", "MemTotal:        8388608 kB\nMemFree:          123456 kB\n");

    public void Dispose() => _root.Delete(recursive: true);

    private long Limit => MachineMemory.LimitBytes(_root.FullName);

    [Fact]
    public void Without_control_groups_it_is_the_machine() => Assert.Equal(8 * GiB, Limit);

    [Fact]
    public void In_a_container_it_is_the_limit_of_the_container_and_the_doctor_says_so()
    {
        Second("0::/");
        Write("sys/fs/cgroup/memory.max", "1073741824\n");
        Assert.Equal(GiB, Limit);
        Assert.Equal(GiB, new Machine(_root.FullName).MemoryBytes);
    }

    [Fact]
    public void Of_nested_groups_the_least_counts()
    {
        Second("0::/system.slice/mds.service/inner");
        Write("sys/fs/cgroup/system.slice/memory.max", "3221225472\n");
        Write("sys/fs/cgroup/system.slice/mds.service/memory.max", "2147483648\n");
        Write("sys/fs/cgroup/system.slice/mds.service/inner/memory.max", "max\n");
        Write("sys/fs/cgroup/other.slice/memory.max", "1024\n");
        Assert.Equal(2 * GiB, Limit);
    }

    [Fact]
    public void More_than_there_is_or_no_limit_is_the_machine()
    {
        Second("0::/a");
        Write("sys/fs/cgroup/a/memory.max", "max\n");
        Write("sys/fs/cgroup/memory.max", "17179869184\n");
        Assert.Equal(8 * GiB, Limit);
    }

    [Fact]
    public void The_first_version_of_control_groups()
    {
        Write("proc/self/cgroup", "12:cpu,cpuacct:/x\n5:memory:/docker/abc\n1:name=systemd:/docker/abc\n");
        Write("proc/self/mountinfo", "30 25 0:26 / /sys/fs/cgroup/memory rw,nosuid shared:9 - cgroup cgroup rw,memory\n31 25 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n");
        Write("sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes", "1610612736\n");
        Write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
        Assert.Equal(3 * GiB / 2, Limit);
    }

    [Fact]
    public void A_container_that_sees_its_own_group_only_as_what_is_mounted()
    {
        // Without a namespace of control groups: the path is the host's, and its end is what is mounted.
        Write("proc/self/cgroup", "5:memory:/docker/abc/inner\n");
        Write("proc/self/mountinfo", "30 25 0:26 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n");
        Write("sys/fs/cgroup/memory/memory.limit_in_bytes", "2147483648\n");
        Write("sys/fs/cgroup/memory/inner/memory.limit_in_bytes", "1073741824\n");
        Assert.Equal(GiB, Limit);
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("junk", "junk junk junk")]
    [InlineData("0::/../../x", "30 25 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw")]
    [InlineData("0::", "30 25 0:26 / /sys/fs/cgroup rw - cgroup2")]
    public void What_cannot_be_understood_is_no_limit(string groups, string mounts)
    {
        Write("proc/self/cgroup", groups);
        Write("proc/self/mountinfo", mounts);
        Write("sys/fs/cgroup/memory.max", "a lot");
        Assert.Equal(8 * GiB, Limit);
    }

    [Fact]
    public void Of_this_machine_there_is_some() => Assert.InRange(MachineMemory.LimitBytes(), 64L << 20, 1L << 50);

    private void Second(string group)
    {
        Write("proc/self/cgroup", $"{group}\n");
        Write("proc/self/mountinfo", "24 30 0:22 / /proc rw - proc proc rw\n30 23 0:26 / /sys/fs/cgroup ro,nosuid - cgroup2 cgroup rw,nsdelegate\n");
    }

    private void Write(string file, string text)
    {
        string path = Path.Combine(_root.FullName, file);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }
}
