/**
 * What the pinned registry does not know yet: extensions newer than `vk.xml` 1.3.239, copied from a later one. Whatever a
 * registry has itself wins, so that an update makes this file shrink. Development only.
 *
 * @module
 */

/** Parts of a later `vk.xml`, in its own form. */
export const supplement: string = `<registry>
  <types>
    <type category="struct" name="VkPhysicalDeviceCooperativeMatrixFeaturesKHR" structextends="VkPhysicalDeviceFeatures2,VkDeviceCreateInfo">
      <member values="VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR"><type>VkStructureType</type> <name>sType</name></member>
      <member optional="true"><type>void</type>* <name>pNext</name></member>
      <member><type>VkBool32</type> <name>cooperativeMatrix</name></member>
      <member><type>VkBool32</type> <name>cooperativeMatrixRobustBufferAccess</name></member>
    </type>
  </types>
  <extensions>
    <extension name="VK_KHR_cooperative_matrix" number="507" type="device" supported="vulkan">
      <require>
        <enum offset="0" extends="VkStructureType" name="VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR"/>
      </require>
    </extension>
  </extensions>
</registry>`;

/** The same in C, for headers as old as the registry: guarded by the name that `vulkan_core.h` defines. */
export const supplementHeader: string = `#ifndef VK_KHR_cooperative_matrix
#define VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR 1000506000
typedef struct VkPhysicalDeviceCooperativeMatrixFeaturesKHR {
  VkStructureType sType;
  void* pNext;
  VkBool32 cooperativeMatrix;
  VkBool32 cooperativeMatrixRobustBufferAccess;
} VkPhysicalDeviceCooperativeMatrixFeaturesKHR;
#endif
`;
