import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.hdfs.server.datanode.DataNode;
import org.apache.hadoop.hdfs.server.namenode.NameNode;
import org.apache.hadoop.metrics2.lib.DefaultMetricsSystem;

/** A NameNode and a DataNode in one process. Arguments: folder, first of five free ports (the second serves WebHDFS). */
public class Cluster {
  public static void main(String[] arguments) throws Exception {
    String folder = arguments[0];
    int first = Integer.parseInt(arguments[1]);
    Configuration configuration = new Configuration();
    configuration.set("fs.defaultFS", "hdfs://127.0.0.1:" + first);
    configuration.set("dfs.namenode.rpc-address", "127.0.0.1:" + first);
    configuration.set("dfs.namenode.http-address", "127.0.0.1:" + (first + 1));
    configuration.set("dfs.namenode.name.dir", "file://" + folder + "/name");
    configuration.set("dfs.datanode.data.dir", "file://" + folder + "/blocks");
    configuration.set("dfs.datanode.address", "127.0.0.1:" + (first + 2));
    configuration.set("dfs.datanode.http.address", "127.0.0.1:" + (first + 3));
    configuration.set("dfs.datanode.ipc.address", "127.0.0.1:" + (first + 4));
    configuration.set("dfs.datanode.hostname", "127.0.0.1");
    configuration.set("dfs.replication", "1");
    configuration.set("dfs.permissions.superusergroup", "dw");
    configuration.set("dfs.namenode.safemode.extension", "0");
    configuration.set("dfs.ls.limit", "7"); // small, so that listings come in batches
    // A client that closes a file waits so long for the block's report: 400 ms a file otherwise.
    configuration.set("dfs.client.block.write.locateFollowingBlock.initial.delay.ms", "5");
    configuration.set("hadoop.tmp.dir", folder + "/tmp");
    DefaultMetricsSystem.setMiniClusterMode(true);
    NameNode.format(configuration);
    NameNode nameNode = NameNode.createNameNode(new String[0], configuration);
    DataNode.createDataNode(new String[0], configuration);
    while (nameNode.getNamesystem().getNumLiveDataNodes() < 1 || nameNode.isInSafeMode()) Thread.sleep(50);
    System.out.println("READY");
    System.out.flush();
    nameNode.join();
  }
}
